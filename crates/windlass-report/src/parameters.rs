//! The parameters of a request, as they came.

/// Decoded parameters by their names: names in any case; a blank value is an absent parameter; of several values
/// for one name, the last that is not blank counts. Collected from names and values in the order in which they came.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parameters {
    /// Ordered by their names, which are in lower case.
    values: Vec<(String, String)>,
}

impl Parameters {
    /// The value of a parameter, whose name is in lower case.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&str> {
        let found = self
            .values
            .binary_search_by(|(known, _)| known.as_str().cmp(name));
        let (_, value) = self.values.get(found.ok()?)?;
        Some(value)
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Parameters {
    /// O(n log n) for n parameters, whatever their names.
    fn from_iter<T: IntoIterator<Item = (N, V)>>(parameters: T) -> Self {
        let given = parameters.into_iter().filter_map(|(name, value)| {
            let (mut name, value) = (name.into(), value.into());
            name.make_ascii_lowercase();
            (!value.trim().is_empty()).then_some((name, value))
        });
        let mut values: Vec<_> = given.collect();
        // The last one of a name first, so that it stays.
        values.reverse();
        values.sort_by(|(a, _), (b, _)| a.cmp(b));
        values.dedup_by(|(a, _), (b, _)| a == b);
        Self { values }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_any_case_and_the_last_value_that_is_not_blank() {
        let parameters = Parameters::from_iter([
            ("target", "a"),
            ("Limit", "1"),
            ("TARGET", "b"),
            ("limit", " "),
            ("target", ""),
            ("x", "\t"),
        ]);
        let value = |name| parameters.value(name);
        assert_eq!(
            [value("target"), value("limit"), value("x"), value("y")],
            [Some("b"), Some("1"), None, None]
        );
    }

    /// One by one, these took minutes.
    #[test]
    fn very_many_names_are_told_apart_soon() {
        let all = (0..400_000).map(|n| (format!("p{n}"), n.to_string()));
        let parameters = Parameters::from_iter(all);
        assert_eq!(parameters.value("p399999"), Some("399999"));
    }
}
