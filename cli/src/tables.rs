//! Tables of numbers: CSV or NPY.

use affect_media::files::to_name;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Rows of a table; missing cells are NaN.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Table {
    /// Names of the columns, where there is a header.
    pub header: Option<Vec<String>>,
    /// Cells as text, for CSV.
    pub cells: Vec<Vec<String>>,
    /// Rows as numbers, for NPY.
    numbers: Option<Vec<Vec<f32>>>,
}

fn missing(cell: &str) -> bool {
    matches!(cell.trim().to_ascii_lowercase().as_str(), "" | "nan" | "na" | "null")
}

/// A cell as text.
fn cell(bytes: &[u8]) -> String {
    std::str::from_utf8(bytes).map_or_else(|_| to_name(OsStr::from_bytes(bytes)), str::to_owned)
}

/// A cell as a number; NaN where it is missing.
fn number(row: usize, cell: &str) -> Result<f32, String> {
    if missing(cell) {
        return Ok(f32::NAN);
    }
    cell.trim().parse().map_err(|_| format!("row {}: \"{cell}\" is no number", row + 1))
}

impl Table {
    /// Reads a file.
    pub fn read(path: &Path) -> Result<Self, String> {
        let named = |e: &dyn std::fmt::Display| format!("{}: {e}", path.display());
        let bytes = std::fs::read(path).map_err(|e| named(&e))?;
        Self::parse(&bytes).map_err(|e| named(&e))
    }

    /// Reads the content of a file: NPY by its first bytes, everything else as CSV.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        if bytes.starts_with(b"\x93NUMPY") {
            let numbers = npy(bytes)?;
            if numbers.is_empty() {
                return Err("the array has no rows: expected at least one".to_owned());
            }
            return Ok(Self { numbers: Some(numbers), ..Self::default() });
        }
        let first = bytes.split(|b| *b == b'\n').next().unwrap_or_default();
        let count = |c: u8| first.iter().filter(|b| **b == c).count();
        if count(b';') > 0 && count(b';') >= count(b',') {
            let line = String::from_utf8_lossy(first).chars().take(40).collect::<String>();
            return Err(format!("cells are separated by semicolons (\"{line}\"): expected commas"));
        }
        let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(false).from_reader(bytes);
        let mut cells = Vec::new();
        // File names need not be UTF-8: their bytes stay distinguishable.
        for record in reader.byte_records() {
            let record = record.map_err(|e| e.to_string())?;
            cells.push(record.iter().map(cell).collect::<Vec<_>>());
        }
        let is_header = |row: &Vec<String>| row.iter().any(|c| !missing(c) && c.trim().parse::<f64>().is_err());
        let header = cells.first().filter(|r| is_header(r)).cloned();
        if header.is_some() {
            cells.remove(0);
        }
        if cells.is_empty() {
            return Err("the table has no rows: expected at least one row of numbers".to_owned());
        }
        Ok(Self { header, cells, numbers: None })
    }

    /// The cells of a named column.
    pub fn column(&self, name: &str) -> Result<Vec<&str>, String> {
        let Some(header) = &self.header else {
            return Err(format!("no column \"{name}\": the table has no header"));
        };
        let place = header
            .iter()
            .position(|h| h == name)
            .ok_or_else(|| format!("no column \"{name}\": the table has other names"))?;
        Ok(self.cells.iter().map(|r| r[place].as_str()).collect())
    }

    /// The numbers of the named columns, row by row, with nothing for columns that the table does not have.
    pub fn known(&self, names: &[&str]) -> Result<Vec<Vec<Option<f32>>>, String> {
        let header = self.header.as_deref().unwrap_or_default();
        let place = |n: &&str| header.iter().position(|h| h == n);
        let places: Vec<Option<usize>> = names.iter().map(place).collect();
        let cell = |k: usize, row: &[String], p: &Option<usize>| p.map(|p| number(k, &row[p])).transpose();
        self.cells.iter().enumerate().map(|(k, r)| places.iter().map(|p| cell(k, r, p)).collect()).collect()
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.numbers.as_ref().map_or(self.cells.len(), Vec::len)
    }

    /// The numbers of all rows: the named columns where the table has names and `wanted` lists some, else all columns.
    pub fn rows(&self, wanted: &[String]) -> Result<Vec<Vec<f32>>, String> {
        if let Some(n) = &self.numbers {
            return Ok(n.clone());
        }
        let places: Option<Vec<usize>> = match &self.header {
            Some(header) if !wanted.is_empty() => {
                let place = |name: &String| {
                    header
                        .iter()
                        .position(|h| h == name)
                        .ok_or_else(|| format!("no column \"{name}\", which the model needs"))
                };
                Some(wanted.iter().map(place).collect::<Result<_, _>>()?)
            }
            _ => None,
        };
        self.cells
            .iter()
            .enumerate()
            .map(|(k, row)| match &places {
                Some(p) => p.iter().map(|c| number(k, &row[*c])).collect(),
                None => row.iter().map(|c| number(k, c)).collect(),
            })
            .collect()
    }
}

/// Whether the header of an array in NumPy's format is a dictionary with nothing nested in it but the shape. The parser of headers
/// tries every way to read what is nested deeper, and takes for ever.
fn has_flat_header(bytes: &[u8]) -> bool {
    let (length, start): (usize, usize) = match bytes {
        [_, _, _, _, _, _, 1, _, a, b, ..] => (usize::from(u16::from_le_bytes([*a, *b])), 10),
        [_, _, _, _, _, _, _, _, a, b, c, d, ..] => (u32::from_le_bytes([*a, *b, *c, *d]) as usize, 12),
        _ => return false,
    };
    let header = bytes.get(start..start.saturating_add(length)).unwrap_or_default();
    header.iter().filter(|b| b"{[(".contains(b)).count() <= 2
}

/// NumPy's format, versions 1 to 3: float32 or float64, little-endian, one or two axes, rows first.
fn npy(bytes: &[u8]) -> Result<Vec<Vec<f32>>, String> {
    if !has_flat_header(bytes) {
        return Err(
            "the header of the array is cut off or nested: expected type, order and shape, as numpy.save writes them"
                .into(),
        );
    }
    let file = npyz::NpyFile::new(bytes).map_err(|e| e.to_string())?;
    let shape: Vec<u64> = file.shape().to_vec();
    if file.order() != npyz::Order::C {
        return Err("column-major array: save it with numpy.ascontiguousarray".to_owned());
    }
    let width = match shape.as_slice() {
        [n] | [_, n] => usize::try_from(*n).map_err(|e| e.to_string())?,
        other => return Err(format!("{} axes: expected one or two", other.len())),
    };
    let kind = file.dtype().descr();
    let data: Vec<f32> = if kind.contains("f4") {
        file.into_vec::<f32>().map_err(|e| e.to_string())?
    } else if kind.contains("f8") {
        file.into_vec::<f64>().map_err(|e| e.to_string())?.into_iter().map(|v| v as f32).collect()
    } else {
        return Err(format!("elements of type {kind}: expected float32 or float64"));
    };
    if width == 0 {
        return Ok(Vec::new());
    }
    Ok(data.chunks_exact(width).map(<[f32]>::to_vec).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Table, String> {
        let path = std::env::temp_dir().join(format!("affect-table-{}-{}", std::process::id(), text.len()));
        std::fs::write(&path, text).unwrap();
        let t = Table::read(&path);
        std::fs::remove_file(&path).unwrap();
        t
    }

    fn table(text: &str) -> Table {
        read(text).unwrap()
    }

    #[test]
    fn tables_without_rows_and_with_semicolons_are_refused() {
        for text in ["", "a,b\n"] {
            assert!(read(text).unwrap_err().contains("no rows"), "{text:?}");
        }
        for text in ["a;b\n1;2\n", "1,5;2,5;3\n", "0.5;0.25\n"] {
            let e = read(text);
            assert!(e.as_ref().is_err_and(|e| e.contains("semicolons")), "{text:?}: {e:?}");
        }
    }

    /// NumPy's format with this header, and six numbers.
    fn array(header: &str) -> Vec<u8> {
        let header = format!("{header}\n");
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend_from_slice(&u16::try_from(header.len()).unwrap().to_le_bytes());
        bytes.extend_from_slice(header.as_bytes());
        bytes.extend((1..=6).flat_map(|k| (k as f32).to_le_bytes()));
        bytes
    }

    /// The parser of headers tries every way to read what is nested: some dozens of braces would take it years.
    #[test]
    fn nested_headers_are_refused_soon() {
        let good = array("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }");
        assert_eq!(Table::parse(&good).unwrap().rows(&[]).unwrap(), [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]);
        let (done, end) = std::sync::mpsc::channel();
        for bracket in ["{", "[", "("] {
            let done = done.clone();
            std::thread::spawn(move || {
                let header = format!("{{'descr': '<f4', {}'shape': (2, 3), }}", bracket.repeat(60));
                let _ = done.send(Table::parse(&array(&header)).map_err(|e| e.to_string()));
            });
        }
        let patience = std::time::Duration::from_secs(20);
        let outcomes: Vec<_> =
            (0..3).map(|_| end.recv_timeout(patience).expect("the header is tried for ever")).collect();
        assert!(outcomes.iter().all(|o| o.as_ref().is_err_and(|e| e.contains("header"))), "{outcomes:?}");
    }

    #[test]
    fn headers_are_seen_and_columns_found() {
        let t = table("file,b,a\nx.wav,1,2\ny.wav,,4\n");
        let rows = t.rows(&["a".to_owned(), "b".to_owned()]).unwrap();
        assert_eq!(rows[0], [2.0, 1.0]);
        assert!(rows[1][1].is_nan() && rows[1][0] == 4.0);
        assert!(t.rows(&["c".to_owned()]).unwrap_err().contains("\"c\""));
        assert!(t.rows(&[]).unwrap_err().contains("x.wav"));
        let t = table("1,2\n3,nan\n");
        assert!(t.header.is_none() && t.len() == 2 && t.rows(&[]).unwrap()[1][1].is_nan());
    }
}
