//! Seeded mutations: what a fuzzer does, the same in each run.

/// Makes inputs from seeds.
#[derive(Debug)]
pub struct Mutator {
    state: u64,
}

/// Numbers at which lengths and counts go wrong.
const NUMBERS: [&[u8]; 7] = [
    &[0],
    &[0xff],
    &[0x7f],
    &[0x80, 0x80, 0x80, 0x80, 0x10],
    &[0xff; 4],
    &[0xff; 10],
    b"99999999999999999999",
];

impl Mutator {
    /// A mutator; equal seeds give equal inputs.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self { state: seed | 1 }
    }

    /// A number below `n` (xorshift64*).
    pub fn below(&mut self, n: usize) -> usize {
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        let value = self.state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32;
        usize::try_from(value).unwrap_or(0) % n.max(1)
    }

    /// `data` with a few changes, of the same length.
    pub fn same_length(&mut self, data: &[u8]) -> Vec<u8> {
        let mut out = data.to_vec();
        for _ in 0..=self.below(4) {
            let at = self.below(out.len());
            if self.below(2) == 0 {
                if let Some(byte) = out.get_mut(at) {
                    *byte ^= 1 << self.below(8);
                }
            } else {
                let number = NUMBERS
                    .get(self.below(NUMBERS.len()))
                    .copied()
                    .unwrap_or_default();
                for (byte, new) in out.iter_mut().skip(at).zip(number) {
                    *byte = *new;
                }
            }
        }
        out
    }

    /// `data` with a few changes, or a part of it, or with a part twice or elsewhere.
    pub fn any(&mut self, data: &[u8]) -> Vec<u8> {
        let (a, b) = (self.below(data.len() + 1), self.below(data.len() + 1));
        let (start, end) = (a.min(b), a.max(b));
        let (head, middle, tail) = (
            &data.get(..start).unwrap_or_default(),
            &data.get(start..end).unwrap_or_default(),
            &data.get(end..).unwrap_or_default(),
        );
        match self.below(6) {
            0 => head.to_vec(),
            1 => [*head, *tail].concat(),
            2 => [*head, *middle, *middle, *tail].concat(),
            3 => [*tail, *middle, *head].concat(),
            _ => self.same_length(data),
        }
    }
}
