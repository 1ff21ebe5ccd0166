//! Seeded random numbers, uniform and Zipf-distributed.

/// Sebastiano Vigna's SplitMix64.
#[derive(Debug)]
pub(super) struct Random(u64);

impl Random {
    /// Neighbouring seeds give unrelated numbers: without mixing, each would give those of the one
    /// before, from the second on.
    pub(super) fn seeded(seed: u64) -> Self {
        Self(mixed(seed.wrapping_add(0x9e37_79b9_7f4a_7c15)))
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mixed(self.0)
    }

    /// A number from 0 to n − 1.
    pub(super) fn below(&mut self, n: u64) -> u64 {
        self.next() % n.max(1)
    }

    /// Whether something happens that does so `per_mille` times in a thousand.
    pub(super) fn happens(&mut self, per_mille: u64) -> bool {
        self.below(1000) < per_mille
    }

    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// The finaliser of SplitMix64: neighbouring numbers become unrelated ones, different ones stay so.
pub(super) fn mixed(number: u64) -> u64 {
    let mut z = number;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Ranks from 0 to n − 1; rank r about 1 / (r + 1) as often as the first.
#[derive(Debug, Clone, Copy)]
pub(super) struct Zipf {
    n: u64,
    logarithm: f64,
}

impl Zipf {
    pub(super) fn new(n: u64) -> Self {
        let n = n.max(1);
        Self {
            n,
            logarithm: (n as f64 + 1.0).ln(),
        }
    }

    pub(super) fn rank(self, random: &mut Random) -> u64 {
        // The inverse of the distribution function, the harmonic numbers taken as logarithms.
        let place = (random.unit() * self.logarithm).exp() as u64;
        place.clamp(1, self.n) - 1
    }
}
