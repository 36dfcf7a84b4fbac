//! Prepared background: what all explanations of a model by one background share.

use super::trees::TreeShap;
use crate::model::builtin::Structure;
use crate::model::{Model, ModelError};

/// Background, groups, and the trees seen by both. Holds no model.
#[derive(Debug)]
pub(super) struct Prepared {
    pub background: Vec<f32>,
    /// Mean of the background, by column.
    pub mean: Vec<f64>,
    /// Standard deviation of the background, by column.
    pub spread: Vec<f64>,
    /// Columns of each group.
    pub groups: Vec<Vec<usize>>,
    /// Trees with features as players, and with groups.
    pub trees: Option<(TreeShap, TreeShap)>,
}

impl Prepared {
    /// Checks and prepares a background (rows as they enter the graph, one after another) and groups of columns.
    pub fn new(model: &Model, background: Vec<f32>, groups: Vec<Vec<usize>>) -> Result<Self, ModelError> {
        let d = model.width();
        if d == 0 || background.is_empty() || !background.len().is_multiple_of(d) {
            let found = format!("{} values", background.len());
            return Err(ModelError::mismatch("background", format!("at least one row of {d} values"), found));
        }
        check_groups(d, &groups)?;
        let rows = (background.len() / d) as f64;
        let column = |c: usize| background.iter().skip(c).step_by(d).map(|v| f64::from(*v));
        let mean: Vec<f64> = (0..d).map(|c| column(c).sum::<f64>() / rows).collect();
        let variance = |c: usize| column(c).map(|v| (v - mean[c]).powi(2)).sum::<f64>() / rows;
        let spread = (0..d).map(|c| variance(c).sqrt()).collect();
        let trees = match model.structure() {
            Structure::Trees(t) => {
                let mut player = vec![0; d];
                groups.iter().enumerate().for_each(|(g, columns)| columns.iter().for_each(|c| player[*c] = g));
                let each: Vec<usize> = (0..d).collect();
                let prepare = |players: &[usize]| {
                    TreeShap::new(t, &background, d, players).map_err(|e| {
                        ModelError::mismatch("features on one path of a tree", "at most 64", e.0.to_string())
                    })
                };
                Some((prepare(&each)?, prepare(&player)?))
            }
            _ => None,
        };
        Ok(Self { background, mean, spread, groups, trees })
    }
}

/// Every column in exactly one group.
fn check_groups(d: usize, groups: &[Vec<usize>]) -> Result<(), ModelError> {
    let mut times = vec![0; d];
    groups.iter().flatten().for_each(|c| {
        if let Some(n) = times.get_mut(*c) {
            *n += 1;
        }
    });
    let wrong = match times.iter().position(|n| *n != 1) {
        Some(c) => format!("column {c} {} times", times[c]),
        None if groups.iter().flatten().any(|c| *c >= d) => "a column beyond the row".to_owned(),
        None => return Ok(()),
    };
    Err(ModelError::mismatch("groups", format!("each of {d} columns exactly once"), wrong))
}
