//! `affect features --list`

use crate::{DONE, FAILED};
use affect::features::catalogue::{Entry, egemaps_functionals, egemaps_llds};
use affect::features::egemaps;
use std::io::{self, Write};

/// Prints the catalogue; returns the exit code.
pub fn print(json: bool) -> u8 {
    let written = if json { as_json() } else { as_text() };
    match written {
        Ok(()) => DONE,
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => DONE,
        Err(e) => {
            eprintln!("affect: cannot write to standard output: {e}");
            FAILED
        }
    }
}

fn as_json() -> io::Result<()> {
    let catalogue = serde_json::json!({
        "set": egemaps::NAME,
        "version": egemaps::VERSION,
        "lld": egemaps_llds(),
        "functionals": egemaps_functionals(),
    });
    let mut out = io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, &catalogue)?;
    writeln!(out)
}

fn as_text() -> io::Result<()> {
    let mut out = io::stdout().lock();
    for (title, list) in [("Low-level descriptors", egemaps_llds()), ("Functionals", egemaps_functionals())] {
        writeln!(out, "{title} of {}\n", egemaps::NAME)?;
        for e in list {
            entry(&mut out, e)?;
        }
    }
    Ok(())
}

fn entry(out: &mut impl Write, e: &Entry) -> io::Result<()> {
    writeln!(out, "{}", e.name)?;
    writeln!(out, "  unit           {}", e.unit)?;
    writeln!(out, "  group          {}", e.group.name())?;
    writeln!(out, "  what           {}", e.what)?;
    writeln!(out, "  when it rises  {}", e.when_it_rises)?;
    writeln!(out, "  definition     {}", e.definition)?;
    if let Some((low, high)) = e.typical {
        writeln!(out, "  typical        {low} to {high}")?;
    }
    writeln!(out)
}
