//! Features that rise and fall together, as measured in the study of three corpora (`docs/report`): near copies of one another.

use super::Entry;

/// One cluster a line, by the names of its members; written by `make bless` from the report.
const CLUSTERS: &str = include_str!("clusters.csv");

pub(super) fn add(mut entries: Vec<Entry>) -> Vec<Entry> {
    for entry in &mut entries {
        entry.cluster = CLUSTERS.lines().position(|line| line.split(',').any(|name| name == entry.name));
    }
    entries
}

#[cfg(test)]
mod tests {
    use super::super::affect_functionals;
    use super::*;

    #[test]
    fn every_member_is_in_the_catalogue_and_in_one_cluster() {
        let members: Vec<&str> = CLUSTERS.lines().flat_map(|line| line.split(',')).collect();
        assert!(members.len() > 20);
        for name in &members {
            assert_eq!(members.iter().filter(|m| *m == name).count(), 1, "{name}");
            let entry = affect_functionals().iter().find(|e| e.name == *name).unwrap();
            assert!(entry.cluster.is_some());
        }
        assert_eq!(affect_functionals().iter().filter(|e| e.cluster.is_some()).count(), members.len());
        assert!(CLUSTERS.lines().all(|line| line.contains(',')), "a cluster has at least two members");
    }
}
