//! Property values of an element, with the values that were refused.
//!
//! A value that cannot be read is never half in force: before the element starts it is an error at the start, and while it runs
//! there are no results until the same property is set to something that can be read. What was in force before may be less strict
//! than what was meant.

use affect::analyzer::Policies;
use affect::error::ConfigError;
use gst::glib;
use std::collections::BTreeMap;

/// Advice about a property that cannot be read, or used, while audio flows.
pub const CLOSED_ADVICE: &str =
    "Audio passes through unchanged, without results, until the property is set to something that can be used.";

/// Reason why a value was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// It cannot be read, or used: there are no results until it can.
    Unusable(String),
    /// It cannot change while the element runs: the value that the property shows stays in force.
    Fixed(String),
}

impl Refused {
    /// Advice for the user.
    pub fn advice(&self) -> &'static str {
        match self {
            Self::Unusable(_) => CLOSED_ADVICE,
            Self::Fixed(_) => "Results go on as before. Set it in the state NULL or READY, or use a further element.",
        }
    }
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unusable(why) | Self::Fixed(why) => f.write_str(why),
        }
    }
}

/// The values of all properties of an element.
pub trait Values: Clone {
    /// Takes over one value, whose type the property system has checked.
    fn set(&mut self, name: &str, value: &glib::Value);

    /// Takes over `name=value;name=value`, and names what was set. Nothing is changed unless all of it is right.
    ///
    /// # Errors
    /// A text that names what is wrong.
    fn apply(&mut self, list: &str) -> Result<Vec<String>, String>;

    /// The property of a running element in which `next` differs and may not.
    fn fixed(&self, _next: &Self) -> Option<&'static str> {
        None
    }

    /// Checks all that can be checked for audio of so many channels; 0 where that is not known yet.
    ///
    /// # Errors
    /// What is wrong.
    fn check(&self, channels: usize) -> Result<(), ConfigError>;

    /// The policies that they say.
    ///
    /// # Errors
    /// A word that is no policy.
    fn policies(&self) -> Result<Policies, ConfigError>;
}

/// Property values in force, with the values that were refused.
#[derive(Debug, Default)]
pub struct Properties<V> {
    values: V,
    /// Names of properties that were set to something that cannot be read, and what is wrong with it.
    refused: BTreeMap<String, String>,
    /// Why values that can be read cannot be used.
    trouble: Option<String>,
}

impl<V: Values> Properties<V> {
    /// The values in force.
    pub fn values(&self) -> &V {
        &self.values
    }

    /// Sets a property of an element that runs (its audio has so many channels) or does not.
    ///
    /// # Errors
    /// [`Refused`] names the property and what is wrong. Nothing has changed then; [`Self::closed`] says so from now on where
    /// results have to stop.
    pub fn assign(&mut self, name: &str, value: &glib::Value, running: Option<usize>) -> Result<(), Refused> {
        let mut next = self.values.clone();
        let named = if name == "settings" {
            next.apply(&value.get::<Option<String>>().ok().flatten().unwrap_or_default())
        } else {
            next.set(name, value);
            Ok(Vec::new())
        };
        if let (Some(_), Ok(_), Some(fixed)) = (running, &named, self.values.fixed(&next)) {
            return Err(Refused::Fixed(format!(
                "{fixed} cannot change while the element runs: what it was stays in use"
            )));
        }
        // Before the start values may come one by one and fit together in the end only.
        let checked = named.and_then(|named| match running {
            Some(channels) => next.check(channels).map(|()| named).map_err(|e| e.to_string()),
            None => Ok(named),
        });
        match checked {
            Ok(named) => {
                self.refused.retain(|n, _| n != name && !named.contains(n));
                self.trouble = None;
                self.values = next;
                Ok(())
            }
            Err(why) => {
                let why = format!("{name}: {why}");
                self.refused.insert(name.to_owned(), why.clone());
                Err(Refused::Unusable(why))
            }
        }
    }

    /// Reason why results are withheld, if there is one.
    pub fn closed(&self) -> Option<&str> {
        self.refused.values().next().or(self.trouble.as_ref()).map(String::as_str)
    }

    /// Notes that values which can be read cannot be used, until other ones come. Returns whether that is new.
    pub fn cannot_be_used(&mut self, why: &str) -> bool {
        self.trouble.replace(why.to_owned()).is_none()
    }

    /// Checks everything before a start.
    ///
    /// # Errors
    /// A text that names what is wrong.
    pub fn check(&self) -> Result<(), String> {
        match self.refused.values().next() {
            Some(why) => Err(why.clone()),
            None => self.values.check(0).map_err(|e| e.to_string()),
        }
    }

    /// A start: what could not be used then may be now.
    pub fn forget_trouble(&mut self) {
        self.trouble = None;
    }

    /// The policies in force: nothing at all while something could not be read.
    pub fn policies(&self) -> Policies {
        match (self.closed(), self.values.policies()) {
            (None, Ok(policies)) => policies,
            _ => Policies::nothing(),
        }
    }
}
