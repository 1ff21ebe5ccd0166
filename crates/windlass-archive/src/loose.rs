//! JSON read without trust in its types: a field that holds something unexpected, or is there
//! twice, costs that field and not the record.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// The strings in a value: one for a string, a number or a truth value, several for an array of
/// them, none for null or an object. The first is kept apart, so that the usual case of one
/// allocates nothing more.
#[derive(Debug, Default)]
pub(crate) struct Scalars {
    pub(crate) first: Option<String>,
    /// The others, last one first.
    pub(crate) more: Vec<String>,
}

impl Scalars {
    fn one(value: String) -> Self {
        Self {
            first: Some(value),
            more: Vec::new(),
        }
    }
}

impl<'de> Deserialize<'de> for Scalars {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ScalarsVisitor)
    }
}

struct ScalarsVisitor;

impl<'de> Visitor<'de> for ScalarsVisitor {
    type Value = Scalars;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_str<E>(self, v: &str) -> Result<Scalars, E> {
        Ok(Scalars::one(v.to_owned()))
    }

    fn visit_string<E>(self, v: String) -> Result<Scalars, E> {
        Ok(Scalars::one(v))
    }

    fn visit_bool<E>(self, v: bool) -> Result<Scalars, E> {
        Ok(Scalars::one(v.to_string()))
    }

    fn visit_u64<E>(self, v: u64) -> Result<Scalars, E> {
        Ok(Scalars::one(v.to_string()))
    }

    fn visit_i64<E>(self, v: i64) -> Result<Scalars, E> {
        Ok(Scalars::one(v.to_string()))
    }

    fn visit_f64<E>(self, v: f64) -> Result<Scalars, E> {
        Ok(Scalars::one(v.to_string()))
    }

    fn visit_unit<E>(self) -> Result<Scalars, E> {
        Ok(Scalars::default())
    }

    fn visit_none<E>(self) -> Result<Scalars, E> {
        Ok(Scalars::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Scalars, A::Error> {
        let mut all = Vec::new();
        // The parser bounds how deep arrays may lie in one another.
        while let Some(value) = seq.next_element::<Scalars>()? {
            all.extend(value.first);
        }
        all.reverse();
        Ok(Scalars {
            first: all.pop(),
            more: all,
        })
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Scalars, A::Error> {
        skip_map(map).map(|()| Scalars::default())
    }
}

fn skip_map<'de, A: MapAccess<'de>>(mut map: A) -> Result<(), A::Error> {
    while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
    Ok(())
}

/// An object of which every field is wanted.
#[derive(Debug, Default)]
pub(crate) struct Fields(pub(crate) Vec<(String, Scalars)>);

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FieldsVisitor;
        impl<'de> Visitor<'de> for FieldsVisitor {
            type Value = Fields;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_unit<E>(self) -> Result<Fields, E> {
                Ok(Fields::default())
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_any(FieldsVisitor)
    }
}

/// Built from the fields of an object, one by one.
pub(crate) trait FromFields: Default {
    /// The place for the field `key`, if it is wanted.
    fn field(&mut self, key: &str) -> Option<&mut Option<String>>;
}

/// An array of objects; a lone object counts as an array of one.
#[derive(Debug)]
pub(crate) struct List<T>(pub(crate) Vec<T>);

impl<T> Default for List<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: FromFields> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer
            .deserialize_any(ListVisitor(PhantomData))
            .map(Self)
    }
}

struct ListVisitor<T>(PhantomData<T>);

impl<'de, T: FromFields> Visitor<'de> for ListVisitor<T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of objects")
    }

    fn visit_unit<E>(self) -> Result<Vec<T>, E> {
        Ok(Vec::new())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<T>, A::Error> {
        let mut list = Vec::new();
        while let Some(Object(item)) = seq.next_element()? {
            list.push(item);
        }
        Ok(list)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Vec<T>, A::Error> {
        read_object(map).map(|item| vec![item])
    }
}

struct Object<T>(T);

impl<'de, T: FromFields> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ObjectVisitor<T>(PhantomData<T>);
        impl<'de, T: FromFields> Visitor<'de> for ObjectVisitor<T> {
            type Value = T;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
                read_object(map)
            }
        }
        deserializer
            .deserialize_map(ObjectVisitor(PhantomData))
            .map(Self)
    }
}

fn read_object<'de, T: FromFields, A: MapAccess<'de>>(mut map: A) -> Result<T, A::Error> {
    let mut item = T::default();
    while let Some(Key(key)) = map.next_key()? {
        match item.field(&key) {
            Some(place) => *place = map.next_value::<Scalars>()?.first,
            None => {
                map.next_value::<IgnoredAny>()?;
            }
        }
    }
    Ok(item)
}

/// A field's name, borrowed where the JSON has no escapes in it.
#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);
