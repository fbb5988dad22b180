//! Measuring on a machine that others use, too: contenders take turns, and what
//! is told is the median of their ratios within one round.

use std::time::{Duration, Instant};

/// What is measured, by name.
pub struct Contender<'a> {
    /// What it is called.
    pub name: &'a str,
    run: Box<dyn FnMut() + 'a>,
}

impl<'a> Contender<'a> {
    /// Something that does its work once at each call.
    pub fn new(name: &'a str, run: impl FnMut() + 'a) -> Self {
        Self {
            name,
            run: Box::new(run),
        }
    }
}

/// How long each contender took, round by round.
pub struct Rounds {
    names: Vec<String>,
    times: Vec<Vec<Duration>>,
}

impl Rounds {
    /// Lets the contenders take turns, each round begun by another one.
    pub fn of(contenders: &mut [Contender<'_>], rounds: usize) -> Self {
        // Nobody pays for cold caches.
        for contender in &mut *contenders {
            (contender.run)();
        }
        let mut times = vec![Vec::new(); contenders.len()];
        for round in 0..rounds {
            for turn in 0..contenders.len() {
                let place = (round + turn) % contenders.len();
                let begin = Instant::now();
                (contenders[place].run)();
                times[place].push(begin.elapsed());
            }
        }
        Self {
            names: contenders
                .iter()
                .map(|contender| contender.name.to_owned())
                .collect(),
            times,
        }
    }

    /// The median time of a contender.
    #[must_use]
    pub fn median(&self, name: &str) -> Duration {
        let mut times = self.times[self.place(name)].clone();
        times.sort();
        times[times.len() / 2]
    }

    /// How many times as long as `base` the contender took: the median over the rounds.
    #[must_use]
    pub fn ratio(&self, name: &str, base: &str) -> f64 {
        let (over, under) = (&self.times[self.place(name)], &self.times[self.place(base)]);
        let ratios = over.iter().zip(under);
        let ratios = ratios.map(|(over, under)| over.as_secs_f64() / under.as_secs_f64());
        let mut ratios: Vec<f64> = ratios.collect();
        ratios.sort_by(f64::total_cmp);
        ratios[ratios.len() / 2]
    }

    fn place(&self, name: &str) -> usize {
        let place = self.names.iter().position(|known| known == name);
        place.unwrap_or_else(|| panic!("no contender {name}"))
    }
}
