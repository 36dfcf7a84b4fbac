//! What is looked for in a layer: named features as targets, and the groups and single features that are erased.

use super::findings::LeftOut;
use ndarray::Array2;

/// Features that are defined in a smaller share of the rows are left out.
const LEAST_DEFINED: f64 = 0.5;

/// Named values of rows. What is undefined stands at the mean while something is learnt, and does not count where it is judged.
#[derive(Debug, Clone)]
pub struct Targets {
    /// Names.
    pub names: Vec<String>,
    /// Groups of the catalogue.
    pub groups: Vec<String>,
    /// Rows by targets, in standard deviations of all rows.
    pub values: Array2<f64>,
    /// Whether each is defined.
    pub defined: Array2<bool>,
    /// What cannot be looked for, and why.
    pub left_out: Vec<LeftOut>,
}

impl Targets {
    /// Of rows of values, with name and group of each column.
    pub fn of(columns: &[(String, String)], rows: &[Vec<Option<f32>>]) -> Self {
        let (mut kept, mut left_out) = (Vec::new(), Vec::new());
        for (k, (name, _)) in columns.iter().enumerate() {
            let values: Vec<f64> = rows.iter().filter_map(|r| r[k]).filter(|v| v.is_finite()).map(f64::from).collect();
            let n = values.len() as f64;
            let share = n / rows.len().max(1) as f64;
            let mean = values.iter().sum::<f64>() / n.max(1.0);
            let spread = (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n.max(1.0)).sqrt();
            let why = if share < LEAST_DEFINED {
                Some(format!("defined in {:.0} % of the rows: expected at least half", 100.0 * share))
            } else if spread <= 1e-9 * mean.abs().max(1e-9) {
                Some("the same in all rows".to_owned())
            } else {
                None
            };
            match why {
                Some(why) => left_out.push(LeftOut { name: name.clone(), why }),
                None => kept.push((k, mean, spread)),
            }
        }
        let value = |i: usize, t: usize| {
            let (k, mean, spread) = kept[t];
            rows[i][k].filter(|v| v.is_finite()).map(|v| (f64::from(v) - mean) / spread)
        };
        let shape = (rows.len(), kept.len());
        Self {
            names: kept.iter().map(|k| columns[k.0].0.clone()).collect(),
            groups: kept.iter().map(|k| columns[k.0].1.clone()).collect(),
            values: Array2::from_shape_fn(shape, |(i, t)| value(i, t).unwrap_or(0.0)),
            defined: Array2::from_shape_fn(shape, |(i, t)| value(i, t).is_some()),
            left_out,
        }
    }

    /// Number of targets.
    pub fn count(&self) -> usize {
        self.names.len()
    }
}

/// Something that is erased: a group of features, or one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Concept {
    /// Name: that of the group, or of the feature.
    pub name: String,
    /// Its targets, by number.
    pub members: Vec<usize>,
}

/// Every group that has targets, in the order of these, and single features by name. Unknown names are handed back.
pub fn concepts(targets: &Targets, single: &[String]) -> Result<Vec<Concept>, String> {
    let mut out: Vec<Concept> = Vec::new();
    for (t, group) in targets.groups.iter().enumerate() {
        match out.iter_mut().find(|c| c.name == *group) {
            Some(c) => c.members.push(t),
            None => out.push(Concept { name: group.clone(), members: vec![t] }),
        }
    }
    for name in single {
        let place = targets.names.iter().position(|n| n == name).ok_or_else(|| name.clone())?;
        if !out.iter().any(|c| c.name == *name) {
            out.push(Concept { name: name.clone(), members: vec![place] });
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_stand_at_the_mean_and_do_not_count() {
        let columns = ["a", "b", "c"].map(|n| (n.to_owned(), format!("group of {n}")));
        let rows = [[Some(1.0), None, Some(2.0)], [Some(3.0), None, Some(2.0)], [None, Some(1.0), Some(2.0)]]
            .map(|r| r.to_vec());
        let t = Targets::of(&columns, &rows);
        assert_eq!(t.names, ["a"]);
        assert_eq!(t.values.column(0).to_vec(), [-1.0, 1.0, 0.0]);
        assert_eq!(t.defined.column(0).to_vec(), [true, true, false]);
        assert_eq!(t.left_out.iter().map(|l| l.name.as_str()).collect::<Vec<_>>(), ["b", "c"]);
        let list = concepts(&t, &["a".to_owned()]).unwrap();
        assert_eq!(list.iter().map(|c| c.name.as_str()).collect::<Vec<_>>(), ["group of a", "a"]);
        assert_eq!(concepts(&t, &["x".to_owned()]), Err("x".to_owned()));
    }
}
