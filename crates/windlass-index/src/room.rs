//! Room in vectors that grow as long as memory allows.

/// From so many bytes on a vector may well become large.
const GROWING: usize = 1 << 20;
/// So much, and more, is had from the system by itself, and is given back when it is free; some allocators give it more
/// room where it is, without a copy. They keep what is smaller among the rest, with holes where it grew.
const BY_ITSELF: usize = 33 << 20;

/// Makes room for so many more. What of it is not used takes no memory.
#[inline]
pub(crate) fn make_room<T>(vector: &mut Vec<T>, more: usize) {
    if vector.capacity() - vector.len() < more {
        grow(vector, more);
    }
}

#[cold]
fn grow<T>(vector: &mut Vec<T>, more: usize) {
    let bytes = vector.capacity() * size_of::<T>();
    if (GROWING..BY_ITSELF).contains(&bytes) {
        let enough = BY_ITSELF / size_of::<T>().max(1);
        vector.reserve_exact(more.max(enough.saturating_sub(vector.len())));
    } else {
        vector.reserve(more);
    }
}

/// A vector with room for so many, which is given back to the system when it is dropped, where it is large: between others,
/// which come and go, it would leave holes.
pub(crate) fn with_room<T>(n: usize) -> Vec<T> {
    let mut vector = Vec::new();
    if n.saturating_mul(size_of::<T>()) >= GROWING {
        let enough = BY_ITSELF / size_of::<T>().max(1);
        vector.reserve_exact(n.max(enough));
    } else {
        vector.reserve_exact(n);
    }
    vector
}

/// The same, filled.
pub(crate) fn filled<T: Clone>(value: T, n: usize) -> Vec<T> {
    let mut vector = with_room(n);
    vector.resize(n, value);
    vector
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_grows_has_room() {
        let mut vector = Vec::new();
        let mut capacities = vec![0];
        for number in 0..20_000_000u32 {
            make_room(&mut vector, 1);
            assert!(vector.capacity() > vector.len());
            vector.push(number);
            if capacities.last() != Some(&vector.capacity()) {
                capacities.push(vector.capacity());
            }
        }
        for n in [0, 1, GROWING / 4 - 1, GROWING / 4, BY_ITSELF / 4 + 1] {
            let vector = filled(7u32, n);
            assert_eq!((vector.len(), vector.last()), (n, (n > 0).then_some(&7)));
            let bytes = 4 * vector.capacity();
            assert!(!(GROWING..BY_ITSELF - 4).contains(&bytes), "{bytes}");
        }
        let bytes = |capacity: &usize| 4 * capacity;
        let between = capacities.iter().map(bytes);
        // One step leads over what lies between.
        let between = between.filter(|bytes| *bytes > 2 * GROWING && *bytes < BY_ITSELF);
        assert_eq!(between.count(), 0);
        assert!(capacities.len() < 40);
    }
}
