//! Properties, doses and pairs as they were asked for.

use affect::alter::Property;
use affect::intervene::Schedule;
use affect::intervene::dose::{check, coordinate};

/// The property of a name.
fn property(name: &str, option: &str) -> Result<Property, String> {
    let known = || Property::ALL.map(Property::name).join(", ");
    Property::named(name.trim()).ok_or_else(|| format!("{option} {name}: expected one of {}", known()))
}

/// The schedule of options.
pub fn schedule(properties: &[String], doses: &[String], pairs: &[String]) -> Result<Schedule, String> {
    let mut list: Vec<Property> = properties.iter().map(|n| property(n, "--properties")).collect::<Result<_, _>>()?;
    let mut pairs: Vec<(Property, Property)> = pairs.iter().map(|p| pair(p)).collect::<Result<_, _>>()?;
    pairs.sort_unstable();
    pairs.dedup();
    let doses: Vec<(Property, Vec<f64>)> = doses.iter().map(|d| dose_list(d)).collect::<Result<_, _>>()?;
    if list.is_empty() {
        list = Property::ALL.to_vec();
    }
    let named = doses.iter().map(|d| d.0).chain(pairs.iter().flat_map(|(a, b)| [*a, *b]));
    for p in named.collect::<Vec<_>>() {
        if !list.contains(&p) {
            list.push(p);
        }
    }
    list.sort_unstable();
    list.dedup();
    let mut schedule = Schedule::of(&list);
    for (p, own) in doses {
        let place = schedule.properties.iter_mut().find(|(q, _)| *q == p);
        place.into_iter().for_each(|(_, list)| list.clone_from(&own));
    }
    schedule.pairs = pairs;
    Ok(schedule)
}

fn pair(text: &str) -> Result<(Property, Property), String> {
    let wrong = || format!("--pairs {text}: expected two properties, such as f0+tilt");
    let (a, b) = text.split_once('+').ok_or_else(wrong)?;
    let (a, b) = (property(a, "--pairs")?, property(b, "--pairs")?);
    if a == b { Err(wrong()) } else { Ok((a.min(b), a.max(b))) }
}

fn dose_list(text: &str) -> Result<(Property, Vec<f64>), String> {
    let (name, list) = text
        .split_once('=')
        .ok_or_else(|| format!("--doses {text}: expected a property, = and doses, such as f0=-2,2"))?;
    let property = property(name, "--doses")?;
    let one = |d: &str| {
        let named = |e: &dyn std::fmt::Display| format!("--doses {text}: {e}");
        if property == Property::Hnr {
            let number = d.trim().trim_end_matches("dB").trim_end();
            let wrong = || format!("--doses {text}: \"{d}\" is no change of HNR: expected dB downwards, such as -3");
            return check(property, number.parse().map_err(|_| wrong())?).map_err(|_| wrong());
        }
        property.parse(d).map_err(|e| named(&e))
    };
    let mut doses: Vec<f64> = list.split(',').map(one).collect::<Result<_, _>>()?;
    doses.retain(|d| coordinate(property, *d) != 0.0);
    doses.sort_by(f64::total_cmp);
    doses.dedup();
    if doses.is_empty() {
        return Err(format!("--doses {text}: expected at least one dose that changes something"));
    }
    Ok((property, doses))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(l: &[&str]) -> Vec<String> {
        l.iter().map(|s| (*s).to_owned()).collect()
    }

    #[test]
    fn options_become_a_schedule() {
        let s = schedule(&[], &[], &[]).unwrap();
        assert_eq!(s.properties.len(), Property::ALL.len());
        let s = schedule(&list(&["tilt", "f0"]), &list(&["f0=+2st,-2,0", "hnr=-3dB"]), &list(&["f0+tilt", "tilt+f0"]))
            .unwrap();
        assert_eq!(s.properties[0], (Property::F0, vec![-2.0, 2.0]));
        assert_eq!(s.properties[2], (Property::Hnr, vec![-3.0]));
        assert_eq!((s.properties.len(), s.pairs), (3, vec![(Property::F0, Property::Tilt)]));
        for (p, d, x) in [
            (&["pitch"][..], &[][..], &[][..]),
            (&[], &["f0"], &[]),
            (&[], &["f0=two"], &[]),
            (&[], &["f0=0"], &[]),
            (&[], &["hnr=3"], &[]),
            (&[], &["rate=9"], &[]),
            (&[], &[], &["f0"]),
            (&[], &[], &["f0+f0"]),
        ] {
            let error = schedule(&list(p), &list(d), &list(x)).expect_err("wrong");
            assert!(error.starts_with("--") && error.contains("expected"), "{error}");
        }
    }
}
