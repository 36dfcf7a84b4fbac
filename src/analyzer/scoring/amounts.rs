//! Amounts: dimensions that a model learnt by themselves beside its labels, with an interval and with reasons of their own.

use super::config::ScoringConfig;
use super::reasons::{Asked, Reasons, Run, Setting};
use super::table::TableReasons;
use crate::explain::Unit;
use crate::model::card::{Amount as Rule, Card};
use crate::model::{Model, ModelError};
use crate::record::{Explanation, Record};
use std::sync::Arc;

/// One such dimension.
#[derive(Debug)]
pub(super) struct AmountReasons {
    pub name: Arc<str>,
    model: Arc<Model>,
    rule: Rule,
    reasons: TableReasons,
    config: ScoringConfig,
}

impl AmountReasons {
    /// Those of a model of features.
    pub fn of_model(model: &Arc<Model>, card: &Card, config: &ScoringConfig) -> Result<Vec<Self>, ModelError> {
        let mut amounts = Vec::new();
        for one in model.amounts()? {
            let (Some(rule), [name]) = (one.amount(), one.labels()) else { continue };
            let name: Arc<str> = name.as_str().into();
            // An amount has no probabilities: it is explained on its own scale.
            let config = ScoringConfig { unit: Unit::Score, ..config.clone() };
            let reasons = TableReasons::new(one, card, std::slice::from_ref(&name), &config)?;
            amounts.push(Self { name, model: one.clone(), rule, reasons, config });
        }
        Ok(amounts)
    }

    /// The amount for a row, and its interval; `widening` is what novelty does to its temperature.
    pub fn amount(&self, input: &[f32], share: f64, widening: f64) -> Result<(f64, (f64, f64)), ModelError> {
        let number = self.number(input)?;
        let value = Rule::of(number, self.rule.calibration.at(share) * widening);
        if !value.is_finite() {
            return Err(ModelError::NotFinite { output: self.model.output().to_owned() });
        }
        Ok((value, self.rule.interval(value, share)))
    }

    /// The graph's own number for a row.
    pub fn number(&self, input: &[f32]) -> Result<f64, ModelError> {
        let run = self.reasons.run(&self.model, input, &self.config, Asked::One(0))?;
        let numbers = run.numbers.first().copied();
        numbers
            .ok_or_else(|| ModelError::mismatch(format!("values of output \"{}\"", self.model.output()), "1", "none"))
    }

    /// Why it is what it is.
    pub fn explain(
        &self,
        record: &Record,
        input: &[f32],
        setting: &Setting,
        widening: f64,
    ) -> Result<Vec<Explanation>, ModelError> {
        let temperature = self.rule.calibration.at(setting.compared.share) * widening;
        // Rows are explained anew.
        let run = Run { numbers: Vec::new(), relevance: None };
        self.reasons.explain(record, input, &run, &[0], &Setting { temperature, ..*setting })
    }
}
