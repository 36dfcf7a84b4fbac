//! Parts of a listing, balanced by bytes.

use super::PlannedCall;

/// How large parts are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// About how many bytes of recordings a part has.
    pub bytes: u64,
    /// Most calls of a part.
    pub calls: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes: 4 << 30, calls: 4096 }
    }
}

/// Divides calls in their order into parts of about the same number of bytes, with at most so many calls. One call is never divided.
#[must_use]
pub fn divide(calls: Vec<PlannedCall>, limits: Limits) -> Vec<Vec<PlannedCall>> {
    let total: u128 = calls.iter().map(|c| u128::from(c.size)).sum();
    let most_bytes = share(total, u128::from(limits.bytes));
    let most_calls = share(calls.len() as u128, limits.calls as u128);
    let mut parts: Vec<Vec<PlannedCall>> = Vec::new();
    let mut bytes = 0;
    for call in calls {
        let size = u128::from(call.size);
        match parts.last_mut() {
            // A call belongs to the part in which its middle lies.
            Some(part) if (part.len() as u128) < most_calls && 2 * bytes + size <= 2 * most_bytes => {
                bytes += size;
                part.push(call);
            }
            _ => {
                bytes = size;
                parts.push(vec![call]);
            }
        }
    }
    parts
}

/// An equal share of everything that is not above a limit.
fn share(total: u128, limit: u128) -> u128 {
    total.div_ceil(total.div_ceil(limit.max(1)).max(1)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn calls(sizes: &[u64]) -> Vec<PlannedCall> {
        let call =
            |(k, size): (usize, &u64)| PlannedCall { key: format!("{k:06}"), size: *size, ..PlannedCall::default() };
        sizes.iter().enumerate().map(call).collect()
    }

    #[test]
    fn equal_calls_make_equal_parts() {
        let parts = divide(calls(&[10; 200]), Limits { bytes: 50, calls: 4096 });
        assert!(parts.len() == 40 && parts.iter().all(|p| p.len() == 5));
        assert_eq!(divide(calls(&[0; 9000]), Limits::default()).iter().map(Vec::len).collect::<Vec<_>>(), [3000; 3]);
        assert!(divide(Vec::new(), Limits::default()).is_empty());
        assert_eq!(divide(calls(&[u64::MAX, u64::MAX, 1]), Limits { bytes: 1, calls: 1 }).len(), 3);
    }

    proptest! {
        /// Every call is in one part, in order; no part is empty, has too many calls, or is longer than its share by more than one call.
        #[test]
        fn parts_hold_everything_once(
            sizes in prop::collection::vec(0u64..1000, 0..300), bytes in 1u64..5000, most in 1usize..50,
        ) {
            let all = calls(&sizes);
            let parts = divide(all.clone(), Limits { bytes, calls: most });
            prop_assert_eq!(parts.concat(), all);
            let longest = sizes.iter().copied().max().unwrap_or(0);
            for part in &parts {
                prop_assert!(!part.is_empty() && part.len() <= most);
                prop_assert!(part.iter().map(|c| c.size).sum::<u64>() <= bytes + longest);
            }
        }
    }
}
