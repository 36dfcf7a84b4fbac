//! Any bytes are a table of numbers or refused; a table has as many rows of numbers as it says, each as wide as its header.
#![no_main]

use libfuzzer_sys::fuzz_target;

// The command has no library: its module is taken as it is.
#[allow(dead_code, reason = "the command uses the rest")]
#[path = "../../cli/src/tables.rs"]
mod tables;

use tables::Table;

fuzz_target!(|data: &[u8]| {
    let Ok(table) = Table::parse(data) else { return };
    assert!(table.len() > 0, "a table without rows");
    if let Ok(rows) = table.rows(&[]) {
        assert_eq!(rows.len(), table.len());
        assert!(rows.iter().all(|r| r.len() == rows[0].len()), "rows of different widths");
    }
    let Some(header) = &table.header else { return };
    // Longer than every name there is.
    let absent = format!("{}x", header.concat());
    for name in header {
        let column = table.column(name).expect("the header names it");
        assert_eq!(column.len(), table.len());
        let known = table.known(&[name, &absent]);
        if let (Ok(known), Ok(rows)) = (known, table.rows(std::slice::from_ref(name))) {
            for (known, row) in known.iter().zip(rows) {
                assert!(known[0].is_some_and(|v| v == row[0] || (v.is_nan() && row[0].is_nan())), "{known:?} {row:?}");
                assert_eq!(known[1], None);
            }
        }
    }
});
