//! Ids of results that were seen before, so that each is used once.

use std::collections::{HashSet, VecDeque};

/// Set of the most recent ids. Copies of a result travel close together, so the usual number is far more than enough.
#[derive(Debug, Default)]
pub struct Seen<const REMEMBERED: usize = 16_384> {
    ids: HashSet<Box<str>>,
    order: VecDeque<Box<str>>,
}

impl<const REMEMBERED: usize> Seen<REMEMBERED> {
    /// Adds `id`. Returns whether it is new.
    pub fn first_time(&mut self, id: &str) -> bool {
        if !self.ids.insert(id.into()) {
            return false;
        }
        self.order.push_back(id.into());
        if self.order.len() > REMEMBERED
            && let Some(old) = self.order.pop_front()
        {
            self.ids.remove(&old);
        }
        true
    }

    /// Whether `id` is among them.
    pub fn has(&self, id: &str) -> bool {
        self.ids.contains(id)
    }

    /// Removes `id`. Returns whether it was among them.
    pub fn forget(&mut self, id: &str) -> bool {
        let known = self.ids.remove(id);
        if known {
            self.order.retain(|other| **other != *id);
        }
        known
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.ids.clear();
        self.order.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remembers_a_bounded_number() {
        let mut seen = Seen::<100>::default();
        assert!(seen.first_time("a") && !seen.first_time("a"));
        (0..100).for_each(|i| assert!(seen.first_time(&i.to_string())));
        assert_eq!(seen.ids.len(), 100);
        assert!(seen.first_time("a") && seen.has("a"));
        assert!(seen.forget("a") && !seen.has("a") && !seen.forget("a"));
        assert_eq!(seen.ids.len(), seen.order.len());
    }
}
