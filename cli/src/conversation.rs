//! The summary of a conversation under the timeline of `affect analyze`.

use affect::conversation::{ConversationRecord, Undefined};
use std::io::{self, Write};

/// The numbers of a conversation that most people ask for, in a few lines.
pub fn summary(out: &mut impl Write, r: &ConversationRecord) -> io::Result<()> {
    let Some(length) = r.number("conversation_s") else {
        return match r.measure("conversation_s") {
            Some(Err(Undefined::Policy)) => writeln!(out, "  conversation: nothing is told of it (policy)"),
            _ => writeln!(out, "  conversation: nobody speaks"),
        };
    };
    let number = |name: &str| r.number(name);
    let seconds = |name: &str| number(name).map_or("-".to_owned(), |s| format!("{s:.1} s"));
    let mut parts = vec![format!("conversation of {length:.1} s")];
    let parties: Vec<&str> = r.parties.iter().map(|p| &*p.name).collect();
    // What parties there are is known by a measure that needs them.
    let apart = r.measure("overlap_s").and_then(Result::err);
    match apart {
        None => {
            let share = |p: &&str| match number(&format!("{p}_talk_share")) {
                Some(share) => format!("{p} talks {:.0} %", 100.0 * share),
                None => format!("{p} talks -"),
            };
            parts.extend(parties.iter().map(share));
            parts.push(format!("at once {}", seconds("overlap_s")));
        }
        Some(_) => parts.push(format!("talk {}", seconds("talk_any_s"))),
    }
    let count = number("non_talk_count").unwrap_or(0.0);
    if count > 0.0 {
        parts.push(format!("silence longer than 3 s: {count} times, {}", seconds("non_talk_s")));
    }
    if number("lost_s").is_some_and(|s| s > 0.0) {
        parts.push(format!("lost {}", seconds("lost_s")));
    }
    if let Some(why) = apart {
        parts.push(format!("no measures per party: {}", why.meaning()));
    }
    writeln!(out, "  {}", parts.join("; "))?;
    if apart.is_some() {
        return Ok(());
    }
    for p in parties {
        let of_party = |what: &str| number(&format!("{p}_{what}"));
        let whole = |what: &str| of_party(what).map_or("-".to_owned(), |n| format!("{n}"));
        let length = |what: &str| of_party(what).map_or("-".to_owned(), |s| format!("{s:.2} s"));
        writeln!(
            out,
            "    {p:<10} {} turns, median {}; replies after {} (median); {} interruptions, {} backchannels",
            whole("turns"),
            length("turns_median_s"),
            length("reply_gap_median_s"),
            whole("interruptions"),
            whole("backchannels"),
        )?;
    }
    Ok(())
}
