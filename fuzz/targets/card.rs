//! Any text is a card or refused; a card that is read is written and read back the same.
#![no_main]

use affect::model::card::Card;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(card) = Card::parse(text) {
        let again = Card::parse(&card.to_json()).expect("what was written can be read");
        assert_eq!(card, again);
    }
});
