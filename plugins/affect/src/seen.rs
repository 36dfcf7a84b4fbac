//! Which results a reader has already had.

use std::collections::{HashSet, VecDeque};

/// Ids remembered. Copies of a result travel close together, so this is far more than enough.
const REMEMBERED: usize = 16_384;

/// The most recent ids.
#[derive(Debug, Default)]
pub struct Seen {
    ids: HashSet<Box<str>>,
    order: VecDeque<Box<str>>,
}

impl Seen {
    /// Whether `id` is new; remembers it.
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
        let mut seen = Seen::default();
        assert!(seen.first_time("a") && !seen.first_time("a"));
        (0..REMEMBERED).for_each(|i| assert!(seen.first_time(&i.to_string())));
        assert_eq!(seen.ids.len(), REMEMBERED);
        assert!(seen.first_time("a"));
    }
}
