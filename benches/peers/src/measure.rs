//! Medians of the CPU time of what is done in turns, so that what disturbs the
//! machine disturbs all.

use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::time::Duration;

use cpu_time::ThreadTime;

/// Something to measure.
pub(crate) struct Candidate<'a> {
    pub(crate) name: String,
    work: Box<dyn FnMut() + 'a>,
}

/// What was measured, in the order of the candidates.
pub(crate) struct Measured {
    pub(crate) name: String,
    /// The median of the rounds, for one repetition.
    pub(crate) time: Duration,
    /// The median of the ratios to the floor, round by round.
    pub(crate) to_floor: f64,
    /// How often one repetition asks for memory.
    pub(crate) allocations: u64,
}

impl<'a> Candidate<'a> {
    pub(crate) fn new<R>(name: impl Into<String>, mut work: impl FnMut() -> R + 'a) -> Self {
        Self {
            name: name.into(),
            work: Box::new(move || drop(black_box(work()))),
        }
    }
}

/// Measures the candidates, of which the one at `floor` is what they are compared
/// with: `rounds` times each in turn, for about `time`.
pub(crate) fn compare(
    mut candidates: Vec<Candidate<'_>>,
    floor: usize,
    rounds: usize,
    time: Duration,
) -> Vec<Measured> {
    let repetitions: Vec<u32> = candidates
        .iter_mut()
        .map(|candidate| calibrate(candidate, time))
        .collect();
    let mut times = vec![Vec::with_capacity(rounds); candidates.len()];
    for _ in 0..rounds {
        for (index, candidate) in candidates.iter_mut().enumerate() {
            times[index].push(run(candidate, repetitions[index]));
        }
    }
    let floors = times[floor].clone();
    let ratio = |(time, floor): (&f64, &f64)| time / floor;
    candidates
        .iter_mut()
        .zip(&times)
        .map(|(candidate, times)| Measured {
            name: candidate.name.clone(),
            time: Duration::from_secs_f64(median(times.clone())),
            to_floor: median(times.iter().zip(&floors).map(ratio).collect()),
            allocations: allocation_counter::measure(|| (candidate.work)()).count_total,
        })
        .collect()
}

/// How many repetitions take this long; warms up as well.
fn calibrate(candidate: &mut Candidate<'_>, time: Duration) -> u32 {
    let mut repetitions = 1;
    loop {
        let taken = run(candidate, repetitions) * f64::from(repetitions);
        if taken * 4.0 > time.as_secs_f64() {
            let wanted = f64::from(repetitions) * time.as_secs_f64() / taken;
            return (wanted as u32).max(1);
        }
        repetitions *= 2;
    }
}

/// The seconds of CPU time of one repetition.
fn run(candidate: &mut Candidate<'_>, repetitions: u32) -> f64 {
    let begin = ThreadTime::now();
    for _ in 0..repetitions {
        (candidate.work)();
    }
    begin.elapsed().as_secs_f64() / f64::from(repetitions)
}

/// The CPU time that another thread has used, in the kernel and out of it.
pub(crate) fn cpu_of(task: &Path) -> Duration {
    let text = fs::read_to_string(task.join("schedstat")).expect("a thread of Linux");
    let nanoseconds = text.split(' ').next().and_then(|text| text.parse().ok());
    Duration::from_nanos(nanoseconds.expect("a number"))
}

pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
