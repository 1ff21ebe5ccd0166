use proptest::prelude::*;

use super::{BLOCK, Column, write_column};
use crate::bytes::Bytes;

proptest! {
    #[test]
    fn round_trip(values in prop_oneof![
        prop::collection::vec(any::<u32>(), 0..600),
        prop::collection::vec(0u32..7, 0..600),
        prop::collection::vec(prop_oneof![30 => 5u32..9, 1 => any::<u32>()], 0..600),
        prop::collection::vec(1u32..1 << 23, 0..600).prop_map(|mut values| {
            values.sort_unstable();
            values
        }),
    ]) {
        let mut out = Vec::new();
        write_column(values.iter().copied(), &mut out).unwrap();
        let mut bytes = Bytes::new(&out);
        let mut column = Column::read(&mut bytes, values.len()).unwrap();
        prop_assert!(bytes.is_empty());
        for i in (0..values.len()).rev().chain(0..values.len()) {
            prop_assert_eq!(column.get(i).unwrap(), values[i]);
        }
        let mut fresh = column.clone();
        fresh.fetch((0..values.len()).rev());
        for i in (0..values.len()).map(|i| i * 89 % values.len()) {
            prop_assert_eq!(fresh.at(i).unwrap(), values[i]);
            let (min, max) = fresh.bounds(i / BLOCK).unwrap();
            prop_assert!(min <= values[i] && values[i] <= max);
        }
        prop_assert!(column.get(values.len()).is_err());
        prop_assert!(column.at(values.len()).is_err());
        for start in (0..values.len()).step_by(50) {
            let mut some = Vec::new();
            fresh.append(start..values.len(), &mut some).unwrap();
            prop_assert_eq!(&some[..], &values[start..]);
        }
        column.load_all().unwrap();
        prop_assert!(column.get(values.len()).is_err());
        prop_assert_eq!(column.into_vec().unwrap(), values);
    }

    #[test]
    fn searches(mut values in prop::collection::vec(0u32..300, 0..600), probe in 0u32..310) {
        values.sort_unstable();
        let mut out = Vec::new();
        write_column(values.iter().copied(), &mut out).unwrap();
        let mut column = Column::read(&mut Bytes::new(&out), values.len()).unwrap();
        let expected = values.partition_point(|value| *value < probe);
        prop_assert_eq!(column.lower_bound(probe).unwrap(), expected);
    }

    #[test]
    fn foreign_bytes_never_panic(data in prop::collection::vec(any::<u8>(), 0..2000), n in 0usize..700) {
        if let Ok(mut column) = Column::read(&mut Bytes::new(&data), n) {
            column.fetch(0..n + 1000);
            for i in 0..n {
                let _ = column.get(i);
                let _ = column.at(n - 1 - i);
                let _ = column.bounds(i);
            }
        }
    }
}
