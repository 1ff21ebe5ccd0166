//! Which segments to merge next: size-tiered.
//!
//! A merge is due as soon as T segments are of similar size: in order of size, the largest of T
//! neighbours has at most T times the bytes of the smallest. Of all such groups the one of the
//! largest segments is taken, and what is smaller than it goes with it, since that costs little and
//! would soon be due itself.
//!
//! What follows from this, for sizes that add up in a merge (a merge of captures that overlap only
//! makes less):
//!
//! - it ends: a merge leaves fewer segments;
//! - at rest the segment T − 1 places further on is always more than T times as large, so that there
//!   are at most (T − 1) · (log_T(largest / smallest) + 1) segments;
//! - each input of a merge comes out in a segment at least 2 − 1/T times as large as the one that it
//!   was in, so that a link is rewritten at most log(total / first size) / log(2 − 1/T) times; where
//!   segments are of equal size, log_T(total / first size) times.

use crate::store::{Manifest, SegmentEntry};

/// How many segments are merged at once at most: each is an open file, and a merge looks at all of
/// them for each page.
const INPUTS_MAX: usize = 32;

/// When segments are merged, and how much at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MergePolicy {
    /// How many segments of similar size make a merge due: T, from 2 to 32.
    pub segments_min: usize,
    /// How many bytes of segments may be merged at once: about as much disk is needed beside the
    /// index until the merge is committed. Groups of more are left as they are.
    pub bytes_max: u64,
}

impl Default for MergePolicy {
    fn default() -> Self {
        Self {
            segments_min: 4,
            bytes_max: u64::MAX,
        }
    }
}

/// Segments to be merged into one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MergePlan {
    /// Their names in the manifest.
    pub segments: Vec<String>,
    /// Their length in bytes, together.
    pub bytes: u64,
    /// How many units the merge counts for [`Progress`](crate::Progress): captures, backlinks and
    /// other links.
    pub units: u64,
}

impl MergePlan {
    /// A merge of all segments of an index; `None` where there is nothing to merge.
    #[must_use]
    pub fn full(manifest: &Manifest) -> Option<Self> {
        (manifest.segments.len() > 1).then(|| Self::of(&manifest.segments))
    }

    fn of<'a>(entries: impl IntoIterator<Item = &'a SegmentEntry>) -> Self {
        let mut plan = Self {
            segments: Vec::new(),
            bytes: 0,
            units: 0,
        };
        for entry in entries {
            plan.segments.push(entry.name.clone());
            plan.bytes = plan.bytes.saturating_add(entry.bytes);
            plan.units += entry.counts.merge_units();
        }
        plan
    }
}

impl MergePolicy {
    /// The merge that is due, if one is.
    #[must_use]
    pub fn plan(&self, manifest: &Manifest) -> Option<MergePlan> {
        let sizes: Vec<u64> = manifest.segments.iter().map(|entry| entry.bytes).collect();
        let chosen = self.choose(&sizes)?;
        Some(MergePlan::of(
            chosen.iter().filter_map(|at| manifest.segments.get(*at)),
        ))
    }

    /// Which of the segments of these sizes to merge, by their places, in order; `None` where none
    /// need to be. A function of the sizes alone. O(n log n).
    #[must_use]
    pub fn choose(&self, sizes: &[u64]) -> Option<Vec<usize>> {
        let similar = self.similar();
        let mut ordered: Vec<(u64, usize)> = sizes.iter().copied().zip(0..).collect();
        ordered.sort_unstable();
        for end in (similar..=ordered.len()).rev() {
            let upto = ordered.get(..end)?;
            let (smallest, _) = upto.get(end - similar)?;
            let (largest, _) = upto.last()?;
            if *largest > smallest.saturating_mul(similar as u64) {
                continue;
            }
            // The group, and what is smaller, as far as the bounds allow.
            let mut bytes = 0u64;
            let within = upto.iter().rev().take(INPUTS_MAX).take_while(|(size, _)| {
                bytes = bytes.saturating_add(*size);
                bytes <= self.bytes_max
            });
            let mut chosen: Vec<usize> = within.map(|(_, at)| *at).collect();
            if chosen.len() >= similar {
                chosen.sort_unstable();
                return Some(chosen);
            }
        }
        None
    }

    fn similar(&self) -> usize {
        self.segments_min.clamp(2, INPUTS_MAX)
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn policy(segments_min: usize) -> MergePolicy {
        MergePolicy {
            segments_min,
            ..MergePolicy::default()
        }
    }

    /// A segment in the model: its size, and how often each of its first parts was rewritten.
    #[derive(Debug, Clone)]
    struct Model {
        size: u64,
        /// (first size, rewrites) of each commit in it.
        parts: Vec<(u64, u32)>,
    }

    impl Model {
        fn commit(size: u64) -> Self {
            Self {
                size,
                parts: vec![(size, 0)],
            }
        }
    }

    fn sizes(segments: &[Model]) -> Vec<u64> {
        segments.iter().map(|segment| segment.size).collect()
    }

    /// Merges until nothing is due. `keep` is the share, in percent, that is left of a merge's
    /// inputs.
    fn to_rest(policy: MergePolicy, segments: &mut Vec<Model>, keep: u64) -> usize {
        let mut merges = 0;
        while let Some(chosen) = policy.choose(&sizes(segments)) {
            let inputs: Vec<Model> = chosen.iter().map(|at| segments[*at].clone()).collect();
            let sum: u64 = inputs.iter().map(|input| input.size).sum();
            let largest = inputs.iter().map(|input| input.size).max().unwrap();
            assert!(sum <= policy.bytes_max && inputs.len() <= INPUTS_MAX);
            assert!(inputs.len() >= policy.similar());
            assert!(chosen.is_sorted_by(|a, b| a < b), "{chosen:?}");
            let mut merged = Model {
                size: (sum / 100 * keep).max(largest),
                parts: inputs.into_iter().flat_map(|input| input.parts).collect(),
            };
            if keep == 100 {
                merged.size = sum;
            }
            for (_, rewrites) in &mut merged.parts {
                *rewrites += 1;
            }
            for at in chosen.iter().rev() {
                segments.remove(*at);
            }
            segments.push(merged);
            merges += 1;
        }
        merges
    }

    /// The most segments that may be there at rest.
    fn bound(policy: MergePolicy, sizes: &[u64]) -> usize {
        let (Some(min), Some(max)) = (sizes.iter().min(), sizes.iter().max()) else {
            return 0;
        };
        let t = policy.similar();
        let tiers = (max / min).ilog(t as u64) as usize + 1;
        (t - 1) * tiers
    }

    #[test]
    fn four_of_similar_size_are_merged_and_smaller_ones_with_them() {
        let choose = |sizes: &[u64]| policy(4).choose(sizes);
        assert_eq!(choose(&[]), None);
        assert_eq!(choose(&[7, 7, 7]), None);
        assert_eq!(choose(&[7, 7, 7, 7]), Some(vec![0, 1, 2, 3]));
        assert_eq!(choose(&[100, 25, 26, 24]), None);
        assert_eq!(choose(&[100, 25, 26, 25]), Some(vec![0, 1, 2, 3]));
        // What is larger stays; what is smaller goes with them.
        assert_eq!(
            choose(&[1000, 1, 9, 10, 11, 2, 10]),
            Some(vec![1, 2, 3, 4, 5, 6])
        );
        // The group of the largest first, so that a cascade is one merge.
        assert_eq!(
            choose(&[4, 4, 4, 4, 16, 16, 16, 16]),
            Some((0..8).collect())
        );
    }

    #[test]
    fn no_more_than_the_bound_is_merged_at_once() {
        let bounded = MergePolicy {
            segments_min: 2,
            bytes_max: 100,
        };
        assert_eq!(bounded.choose(&[60, 60]), None);
        assert_eq!(bounded.choose(&[60, 60, 40]), Some(vec![0, 2]));
        assert_eq!(bounded.choose(&[60, 60, 20, 10]), Some(vec![2, 3]));
        let many = policy(4).choose(&[5; 1000]).unwrap();
        assert_eq!(many.len(), INPUTS_MAX);
    }

    proptest! {
        #[test]
        fn commits_come_to_rest_in_few_segments_rewritten_seldom(
            commits in vec(prop_oneof![1u64..50, 1000u64..9000, 1u64..10_000_000], 1..200),
            segments_min in 2usize..9,
        ) {
            let policy = policy(segments_min);
            let t = segments_min as f64;
            let mut segments = Vec::new();
            for size in &commits {
                segments.push(Model::commit(*size));
                let before = segments.len();
                let merges = to_rest(policy, &mut segments, 100);
                prop_assert!(merges < before, "{merges} merges of {before} segments");
                let now = sizes(&segments);
                prop_assert!(now.len() <= bound(policy, &now), "{now:?}");
            }
            // Nothing is lost, and everything was rewritten as seldom as is said.
            let total: u64 = commits.iter().sum();
            prop_assert_eq!(segments.iter().map(|segment| segment.size).sum::<u64>(), total);
            for segment in &segments {
                for (first, rewrites) in &segment.parts {
                    let grown = segment.size as f64 / *first as f64;
                    let most = grown.ln() / (2.0 - 1.0 / t).ln();
                    prop_assert!(f64::from(*rewrites) <= most + 1e-9, "{first} in {segment:?}");
                }
            }
        }

        #[test]
        fn all_at_once_comes_to_rest_too_also_where_captures_overlap(
            commits in vec(1u64..1_000_000, 0..200), segments_min in 2usize..9, keep in 1u64..=100,
        ) {
            let policy = policy(segments_min);
            let mut segments: Vec<Model> = commits.iter().copied().map(Model::commit).collect();
            let merges = to_rest(policy, &mut segments, keep);
            prop_assert!(merges <= commits.len());
            let now = sizes(&segments);
            prop_assert!(now.len() <= bound(policy, &now), "{now:?}");
            prop_assert_eq!(segments.iter().map(|s| s.parts.len()).sum::<usize>(), commits.len());
        }

        #[test]
        fn the_order_of_the_segments_does_not_matter(
            sizes in vec(1u64..10_000, 0..40), shift in any::<prop::sample::Index>(), bytes_max in 1u64..50_000,
        ) {
            let policy = MergePolicy { bytes_max, ..policy(4) };
            let chosen = |sizes: &[u64]| policy.choose(sizes).map(|chosen| {
                let mut of: Vec<u64> = chosen.iter().map(|at| sizes[*at]).collect();
                of.sort_unstable();
                of
            });
            let expected = chosen(&sizes);
            prop_assert_eq!(&chosen(&sizes), &expected);
            let mut turned = sizes.clone();
            if !sizes.is_empty() {
                turned.rotate_left(shift.index(sizes.len()));
            }
            prop_assert_eq!(&chosen(&turned), &expected);
            if let Some(of) = expected {
                prop_assert!(of.iter().sum::<u64>() <= bytes_max);
            }
        }
    }
}
