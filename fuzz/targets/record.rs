//! Any text is a record or refused; a record that is read is written and read back the same.
#![no_main]

use affect::record::Record;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(record) = Record::from_json(text) {
        let json = record.to_json();
        let again = Record::from_json(&json).expect("what was written can be read");
        // A record that names a feature twice says the first.
        assert_eq!(again.to_json(), json);
        assert_eq!((again.id(), again.key()), (record.id(), record.key()));
    }
});
