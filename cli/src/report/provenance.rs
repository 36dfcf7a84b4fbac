//! What the page was made with: enough to make it again.

use super::call::Call;
use affect::record::SOFTWARE;
use affect_page::{Cell, Markup, Table};

fn code(text: &str) -> Cell {
    Cell::Text(Markup::trusted(format!("<code>{}</code>", Markup::text(text))))
}

/// The table.
pub fn table(call: &Call<'_>) -> Table {
    let mut table = Table::new("What this page was made with").column("what").column("which");
    let mut put = |name: &str, cell: Cell| table.row([Cell::text(name), cell]);
    put("recording", Cell::Text(Markup::name(&call.name)));
    put("its SHA-256", code(&call.sha256));
    put("software", Cell::text(SOFTWARE));
    if let Some(r) = call.utterances.first().map(|u| u.1) {
        put("feature set", Cell::text(format!("{}, version {}", r.feature_set, r.feature_set_version)));
        put("configuration", code(&r.configuration.to_string()));
    }
    if let Some(model) = call.model() {
        if let Some(card) = model.card() {
            put("model", Cell::text(format!("{}, version {}", card.id, card.version)));
            if !card.corpora.is_empty() {
                put("trained on", Cell::text(card.corpora.join("; ")));
            }
            put("its licence", Cell::text(if card.licence.is_empty() { "not stated" } else { &card.licence }));
        } else {
            put("model", Cell::text("without a card"));
        }
        put("its SHA-256", code(model.sha256()));
        put("run by", Cell::text(model.engine()));
    }
    let mut references: Vec<&str> = Vec::new();
    for s in call.utterances.iter().filter_map(|u| u.1.scored.as_ref()) {
        if !references.contains(&&*s.model.normaliser) {
            references.push(&s.model.normaliser);
        }
    }
    if !references.is_empty() {
        put("voices compared with", Cell::text(references.join(" or ")));
    }
    for p in &call.parties {
        put(&format!("policy of {}", p.channel()), Cell::text(format!("{} ({})", p.policy, p.name)));
    }
    put(
        "purpose",
        if call.purpose.is_empty() { Cell::Nothing("not stated".to_owned()) } else { Cell::text(call.purpose) },
    );
    table
}
