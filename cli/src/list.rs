//! `affect features --list`, `affect analyze --list-measures`

use crate::{DONE, FAILED};
use affect::analyzer::FeatureSet;
use affect::conversation::catalogue as measures;
use affect::features::catalogue::Entry;
use std::io::{self, Write};

/// Prints the catalogue; returns the exit code.
pub fn print(sets: &[FeatureSet], json: bool) -> u8 {
    ended(if json { as_json(sets) } else { as_text(sets) })
}

/// Prints the measures of conversations; returns the exit code.
pub fn print_measures(json: bool) -> u8 {
    ended(if json { measures_as_json() } else { measures_as_text() })
}

fn ended(written: io::Result<()>) -> u8 {
    match written {
        Ok(()) => DONE,
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => DONE,
        Err(e) => {
            eprintln!("affect: cannot write to standard output: {e}");
            FAILED
        }
    }
}

fn as_json(sets: &[FeatureSet]) -> io::Result<()> {
    let one = |set: &FeatureSet| {
        serde_json::json!({
            "set": set.name(),
            "version": set.version(),
            "lld": set.llds(),
            "functionals": set.functionals(),
        })
    };
    let mut out = io::stdout().lock();
    match sets {
        [set] => serde_json::to_writer_pretty(&mut out, &one(set))?,
        sets => serde_json::to_writer_pretty(&mut out, &sets.iter().map(one).collect::<Vec<_>>())?,
    }
    writeln!(out)
}

fn measures_as_json() -> io::Result<()> {
    let mut out = io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, &measures::ENTRIES[..])?;
    writeln!(out)
}

fn measures_as_text() -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "Measures of a conversation\n")?;
    for e in &measures::ENTRIES {
        writeln!(out, "{}", e.name)?;
        writeln!(out, "  unit           {}", e.unit)?;
        writeln!(out, "  group          {}", e.group.name())?;
        writeln!(out, "  what           {}", e.what)?;
        writeln!(out, "  definition     {}", e.definition)?;
        if e.needs_parties {
            writeln!(out, "  undefined      of one channel, and where channels carry the same sound")?;
        }
        writeln!(out)?;
    }
    Ok(())
}

fn as_text(sets: &[FeatureSet]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    for set in sets {
        for (title, list) in [("Low-level descriptors", set.llds()), ("Functionals", set.functionals())] {
            writeln!(out, "{title} of {set}\n")?;
            for e in list {
                entry(&mut out, e)?;
            }
        }
    }
    Ok(())
}

fn entry(out: &mut impl Write, e: &Entry) -> io::Result<()> {
    writeln!(out, "{}", e.name)?;
    writeln!(out, "  unit           {}", e.unit)?;
    writeln!(out, "  group          {}", e.group.name())?;
    writeln!(out, "  what           {}", e.what)?;
    writeln!(out, "  when it rises  {}", e.wording.when_it_rises)?;
    writeln!(out, "  when it falls  {}", e.wording.when_it_falls)?;
    if let Some(caveat) = e.wording.caveat {
        writeln!(out, "  note           {caveat}")?;
    }
    if e.level_dependent {
        writeln!(out, "  gain           moves with the gain of the recording")?;
    }
    writeln!(out, "  definition     {}", e.definition)?;
    if let Some((low, high)) = e.typical {
        writeln!(out, "  typical        {low} to {high}")?;
    }
    writeln!(out)
}
