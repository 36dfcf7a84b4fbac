//! Numbers in JSON: all of them finite, since others have no form there.

use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

/// A number or `null`. What is not finite is written as `null`, and what does not fit is refused.
#[derive(Debug, Clone, Copy)]
pub(super) struct Finite(Option<f32>);

impl Finite {
    pub fn is_some(self) -> bool {
        self.0.is_some_and(f32::is_finite)
    }
}

impl From<Option<f32>> for Finite {
    fn from(value: Option<f32>) -> Self {
        Self(value)
    }
}

impl From<Finite> for Option<f32> {
    fn from(value: Finite) -> Self {
        value.0
    }
}

impl Serialize for Finite {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        self.0.filter(|v| v.is_finite()).serialize(s)
    }
}

impl<'de> Deserialize<'de> for Finite {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        finite_or_null(d).map(Self)
    }
}

fn fits<E: Error>(value: f32) -> Result<f32, E> {
    if value.is_finite() { Ok(value) } else { Err(E::custom("a number beyond the range of single precision")) }
}

/// A number that fits into single precision.
pub(super) fn finite<'de, D: Deserializer<'de>>(d: D) -> Result<f32, D::Error> {
    fits(f32::deserialize(d)?)
}

/// The same, or `null`.
pub(super) fn finite_or_null<'de, D: Deserializer<'de>>(d: D) -> Result<Option<f32>, D::Error> {
    Option::<f32>::deserialize(d)?.map(fits).transpose()
}

/// Numbers by name, in an order of their own.
pub(super) type NumberMap<'a> = Ordered<Cow<'a, str>, Finite>;

/// A map that keeps its order.
pub(super) struct Ordered<K, V>(pub Vec<(K, V)>);

impl<K: Serialize, V: Serialize> Serialize for Ordered<K, V> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_map(self.0.iter().map(|(k, v)| (k, v)))
    }
}

struct InOrder<K, V>(PhantomData<(K, V)>);

impl<'de, K: Deserialize<'de>, V: Deserialize<'de>> Visitor<'de> for InOrder<K, V> {
    type Value = Vec<(K, V)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("numbers by name")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(entries)
    }
}

impl<'de, K: Deserialize<'de>, V: Deserialize<'de>> Deserialize<'de> for Ordered<K, V> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        d.deserialize_map(InOrder(PhantomData)).map(Self)
    }
}

/// Numbers by name as a field of a record.
pub(super) mod named {
    use super::{Arc, Deserialize, Deserializer, Ordered, Serializer};
    use crate::record::Named;

    pub fn serialize<S: Serializer>(numbers: &[Named], s: S) -> Result<S::Ok, S::Error> {
        s.collect_map(numbers.iter().map(|(name, value)| (name.as_ref(), value)))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<Named>, D::Error> {
        Ordered::<Arc<str>, f64>::deserialize(d).map(|map| map.0)
    }
}
