//! Searching from where what is sought is likely to be near.

/// The place of the first value, from one on, that `is_before` does not hold for, as
/// [`slice::partition_point`] finds it among those from there on: in steps that grow, until one is too far. Takes the
/// logarithm of how far it is.
pub(crate) fn partition_point_from<T>(
    values: &[T],
    first: usize,
    is_before: impl Fn(&T) -> bool,
) -> usize {
    let (mut low, mut step) = (first, 1);
    while values.get(low + step - 1).is_some_and(&is_before) {
        low += step;
        step *= 2;
    }
    let end = values.len().min(low + step);
    low + values
        .get(low..end)
        .unwrap_or_default()
        .partition_point(is_before)
}
