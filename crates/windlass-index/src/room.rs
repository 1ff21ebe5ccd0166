//! Room in vectors that grow as long as memory allows.

/// From so many bytes on a vector may well become large.
const GROWING: usize = 1 << 20;
/// So much, and more, is had from the system by itself: it is given more room where it is, without a copy,
/// and is given back when it is free. Allocators keep what is smaller among the rest, with holes where
/// it grew.
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
        let bytes = |capacity: &usize| 4 * capacity;
        let between = capacities.iter().map(bytes);
        // One step leads over what lies between.
        let between = between.filter(|bytes| *bytes > 2 * GROWING && *bytes < BY_ITSELF);
        assert_eq!(between.count(), 0);
        assert!(capacities.len() < 40);
    }
}
