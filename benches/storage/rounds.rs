//! Two that take turns, so that what disturbs the machine disturbs both.

use std::time::{Duration, Instant};

/// How often.
#[derive(Clone, Copy)]
pub(crate) struct Rounds {
    pub(crate) rounds: usize,
    /// How often each has its turn in one round.
    pub(crate) turns: usize,
}

/// What came of it: medians over the rounds, of the mean turn of each.
pub(crate) struct Comparison {
    pub(crate) first: Duration,
    pub(crate) second: Duration,
    /// The first by the second: median, lower and upper quartile.
    pub(crate) ratio: [f64; 3],
}

/// The time that this takes.
pub(crate) async fn timed<R>(work: impl Future<Output = R>) -> (Duration, R) {
    let start = Instant::now();
    let result = work.await;
    (start.elapsed(), result)
}

/// Lets both have their turns. Each is told the number of its turn, prepares
/// what it needs, and answers with the time of what counts.
pub(crate) async fn compare(
    size: Rounds,
    mut first: impl AsyncFnMut(usize) -> Duration,
    mut second: impl AsyncFnMut(usize) -> Duration,
) -> Comparison {
    let mut rounds = Vec::with_capacity(size.rounds);
    // The first round is for warming up.
    for round in 0..=size.rounds {
        let mut times = [Duration::ZERO; 2];
        for turn in 0..size.turns {
            let number = round * size.turns + turn;
            // Whoever comes second may find something warm.
            if turn % 2 == 0 {
                times[0] += first(number).await;
                times[1] += second(number).await;
            } else {
                times[1] += second(number).await;
                times[0] += first(number).await;
            }
        }
        if round > 0 {
            rounds.push(times.map(|time| time / size.turns as u32));
        }
    }
    let ratios = rounds
        .iter()
        .map(|[first, second]| first.div_duration_f64(*second));
    let ratios: Vec<_> = ratios.collect();
    let median = |which: usize| quantile(rounds.iter().map(|round| round[which]).collect(), 0.5);
    Comparison {
        first: median(0),
        second: median(1),
        ratio: [0.5, 0.25, 0.75].map(|part| quantile(ratios.clone(), part)),
    }
}

/// The value that this part of all values is below.
fn quantile<T: Copy + PartialOrd>(mut values: Vec<T>, part: f64) -> T {
    values.sort_by(|a, b| a.partial_cmp(b).expect("numbers"));
    values[((values.len() - 1) as f64 * part).round() as usize]
}

impl Comparison {
    pub(crate) fn print(&self, name: &str, aim: Option<f64>) {
        let [median, low, high] = self.ratio;
        let [first, second] = [self.first, self.second].map(|time| time.as_secs_f64() * 1e6);
        let aim = match aim {
            None => String::new(),
            Some(aim) if median <= aim => format!("  aim {aim}: met"),
            Some(aim) => format!("  aim {aim}: MISSED"),
        };
        println!("  {name:52} {first:9.1} {second:9.1}   {median:5.2} ({low:.2}–{high:.2}){aim}");
    }
}
