//! Our own randomness: a seed must mean the same for ever, so no library's generator is used.

/// SplitMix64: small, fast, and good enough to choose faults with. Never for secrets.
#[derive(Clone, Debug)]
pub struct Rng {
    state: u64,
}

/// What randomness is for. Each concern has a stream of its own, so that a draw more for one of
/// them moves no other.
#[derive(Copy, Clone, Debug)]
pub enum Concern {
    /// The shape of a run: how many clients, which faults, which limits.
    Shape,
    /// What happens when.
    Steps,
    /// How the host takes turns, and the core's own seed.
    Host,
    /// The network of one client's connection, by the number of that connection.
    Network {
        /// Which client.
        client: u32,
        /// Its how many-th connection.
        attempt: u32,
    },
    /// How one stream of a chopped network is chopped.
    Stream {
        /// Who has the stream: hosts count theirs apart.
        host: u32,
        /// Its how many-th stream.
        number: u32,
    },
    /// When a client comes back.
    Client(u32),
    /// How the host answers the core, and when strangers come.
    Answers,
    /// What a stranger does, by its number.
    Stranger(u32),
    /// How a client says what it says.
    Speech(u32),
    /// Where a mutant strikes.
    Mutant,
}

impl Rng {
    /// The stream of one concern of a run.
    #[must_use]
    pub fn new(seed: u64, concern: Concern) -> Self {
        let stream = match concern {
            Concern::Shape => 1,
            Concern::Steps => 2,
            Concern::Host => 3,
            Concern::Mutant => 4,
            Concern::Answers => 5,
            Concern::Stranger(number) => 2 << 32 | u64::from(number),
            Concern::Client(client) => 1 << 32 | u64::from(client),
            Concern::Speech(client) => 1 << 33 | u64::from(client),
            Concern::Network { client, attempt } => {
                2 << 56 | u64::from(client) << 32 | u64::from(attempt)
            }
            Concern::Stream { host, number } => 3 << 56 | u64::from(host) << 32 | u64::from(number),
        };
        // Two rounds, so that neighbouring seeds and neighbouring streams share nothing.
        let mut mixed = Self { state: seed };
        let start = mixed.next() ^ Self { state: stream }.next();
        Self { state: start }
    }

    /// The next 64 bits.
    #[allow(clippy::should_implement_trait, reason = "an iterator would hide what is drawn")]
    pub fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`; 0 for a bound of 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(bound)) >> 64) as u64
    }

    /// A number from `least` to `most`, both included.
    pub fn between(&mut self, least: u64, most: u64) -> u64 {
        least + self.below(most - least + 1)
    }

    /// True in `percent` of 100 draws.
    pub fn chance(&mut self, percent: u32) -> bool {
        self.below(100) < u64::from(percent)
    }

    /// A seed for somebody else's randomness.
    pub fn seed(&mut self) -> [u8; 32] {
        let mut seed = [0; 32];
        for part in seed.chunks_mut(8) {
            part.copy_from_slice(&self.next().to_le_bytes());
        }
        seed
    }

    /// How much of `len` things at hand go together: one, a few, or mostly all of them.
    pub fn portion(&mut self, len: usize) -> usize {
        let most = len as u64;
        let taken = match self.below(8) {
            0 => 1,
            1 => self.between(1, 7),
            2 => self.between(1, most.max(1)),
            _ => most,
        };
        taken.min(most) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generator_is_splitmix64() {
        let mut rng = Rng { state: 1_234_567 };
        assert_eq!(rng.next(), 6_457_827_717_110_365_317);
        assert_eq!(rng.next(), 3_203_168_211_198_807_973);
    }

    #[test]
    fn streams_are_apart() {
        let mut a = Rng::new(1, Concern::Network { client: 0, attempt: 1 });
        let mut b = Rng::new(1, Concern::Network { client: 1, attempt: 0 });
        assert_ne!(a.next(), b.next());
    }

    #[test]
    fn a_portion_is_never_more_than_there_is() {
        let mut rng = Rng::new(0, Concern::Shape);
        assert!((0..1000).all(|n| rng.portion(n % 10) <= n % 10));
    }
}
