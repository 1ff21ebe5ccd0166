//! JSON read without trust: a field that holds something unexpected, or is there twice, costs that
//! field and not the record, and nesting is bounded by the parser.
//!
//! Values are passed over with [`Skip`] and not with serde's `IgnoredAny`, and structs are not
//! derived (they would use the latter): the parser's own way of ignoring has no bound on nesting
//! and overflows the stack on a few kilobytes of `[`.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};

/// Built from the fields of an object, one by one.
pub(crate) trait FromObject: Default {
    /// Takes the value of the field `key` from `map`; false, and nothing taken, if it is not wanted.
    fn field<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<bool, A::Error>;
}

/// An object; anything else than an object is the default.
pub(crate) struct Object<T>(pub(crate) T);

/// An array of objects; a lone object is an array of one, anything else an empty one.
pub(crate) struct List<T>(pub(crate) Vec<T>);

/// The strings in a value: one for a string, a number or a truth value, several for an array of
/// them, none for null or an object. The first is kept apart, so that the usual case of one
/// allocates nothing more.
#[derive(Debug, Default)]
pub(crate) struct Scalars {
    pub(crate) first: Option<String>,
    /// The others, in order.
    pub(crate) more: Vec<String>,
}

/// An object of which every field is wanted.
#[derive(Debug, Default)]
pub(crate) struct Fields(pub(crate) Vec<(String, Scalars)>);

/// A value that is passed over.
struct Skip;

/// A field's name, borrowed where the JSON has no escapes in it.
#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

impl<T> Default for List<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl Scalars {
    fn one(value: String) -> Self {
        Self {
            first: Some(value),
            more: Vec::new(),
        }
    }
}

/// What becomes of each shape of a value; [`Loose`] makes a visitor of it.
trait Shapes: Sized {
    fn nothing() -> Self;

    fn text(_: &str) -> Self {
        Self::nothing()
    }

    fn scalar(_: impl ToString) -> Self {
        Self::nothing()
    }

    fn seq<'de, A: SeqAccess<'de>>(mut seq: A) -> Result<Self, A::Error> {
        while seq.next_element::<Skip>()?.is_some() {}
        Ok(Self::nothing())
    }

    fn map<'de, A: MapAccess<'de>>(mut map: A) -> Result<Self, A::Error> {
        while map.next_entry::<Key<'de>, Skip>()?.is_some() {}
        Ok(Self::nothing())
    }
}

impl Shapes for Skip {
    fn nothing() -> Self {
        Self
    }
}

impl Shapes for Scalars {
    fn nothing() -> Self {
        Self::default()
    }

    fn text(text: &str) -> Self {
        Self::one(text.to_owned())
    }

    fn scalar(value: impl ToString) -> Self {
        Self::one(value.to_string())
    }

    fn seq<'de, A: SeqAccess<'de>>(mut seq: A) -> Result<Self, A::Error> {
        let mut all = Self::default();
        while let Some(element) = seq.next_element::<Self>()? {
            match (&all.first, element.first) {
                (None, first) => all.first = first,
                (Some(_), first) => all.more.extend(first),
            }
        }
        Ok(all)
    }
}

impl Shapes for Fields {
    fn nothing() -> Self {
        Self::default()
    }

    fn map<'de, A: MapAccess<'de>>(mut map: A) -> Result<Self, A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = map.next_entry()? {
            fields.push(field);
        }
        Ok(Self(fields))
    }
}

impl<T: FromObject> Shapes for Object<T> {
    fn nothing() -> Self {
        Self(T::default())
    }

    fn map<'de, A: MapAccess<'de>>(mut map: A) -> Result<Self, A::Error> {
        let mut item = T::default();
        while let Some(Key(key)) = map.next_key()? {
            if !item.field(&key, &mut map)? {
                map.next_value::<Skip>()?;
            }
        }
        Ok(Self(item))
    }
}

impl<T: FromObject> Shapes for List<T> {
    fn nothing() -> Self {
        Self::default()
    }

    fn seq<'de, A: SeqAccess<'de>>(mut seq: A) -> Result<Self, A::Error> {
        let mut list = Vec::new();
        while let Some(Object(item)) = seq.next_element()? {
            list.push(item);
        }
        Ok(Self(list))
    }

    fn map<'de, A: MapAccess<'de>>(map: A) -> Result<Self, A::Error> {
        Object::map(map).map(|Object(item)| Self(vec![item]))
    }
}

struct Loose<T>(PhantomData<T>);

impl<'de, T: Shapes> Visitor<'de> for Loose<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_str<E>(self, v: &str) -> Result<T, E> {
        Ok(T::text(v))
    }

    fn visit_bool<E>(self, v: bool) -> Result<T, E> {
        Ok(T::scalar(v))
    }

    fn visit_u64<E>(self, v: u64) -> Result<T, E> {
        Ok(T::scalar(v))
    }

    fn visit_i64<E>(self, v: i64) -> Result<T, E> {
        Ok(T::scalar(v))
    }

    fn visit_f64<E>(self, v: f64) -> Result<T, E> {
        Ok(T::scalar(v))
    }

    fn visit_unit<E>(self) -> Result<T, E> {
        Ok(T::nothing())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<T, A::Error> {
        T::seq(seq)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::map(map)
    }
}

macro_rules! deserialize_loosely {
    ($($name:ident $(<$t:ident>)?),*) => {$(
        impl<'de $(, $t: FromObject)?> Deserialize<'de> for $name $(<$t>)? {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any(Loose(PhantomData))
            }
        }
    )*};
}

deserialize_loosely!(Skip, Scalars, Fields, Object<T>, List<T>);
