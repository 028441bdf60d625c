//! What clients and grants take in the store in memory.

use std::fs;

use crate::ALLOCATED;
use crate::people::People;

const CLIENT_AIM: f64 = 500.0;
const GRANT_AIM: f64 = 700.0;

/// The same for several numbers of people: how full the hash maps are decides.
pub(crate) fn run(numbers: &[usize], refreshed: usize) {
    println!("\nthe store in memory: bytes allocated for each");
    let before = resident();
    for (position, number) in numbers.iter().enumerate() {
        let people = clients_and_grants(*number);
        // Later ones take what the first ones gave back.
        if position == 0 {
            let each = resident().saturating_sub(before) as f64 / *number as f64;
            println!("          resident memory (RSS) grew by {each:.0} for both");
        }
        drop(people);
    }
    refreshes(refreshed);
}

fn clients_and_grants(number: usize) -> People {
    let mut people = People::new(number);
    let begin = ALLOCATED.current_usage();
    people.register();
    let registered = ALLOCATED.current_usage();
    people.sign_in();
    let signed_in = ALLOCATED.current_usage();
    let client = (registered - begin) as f64 / number as f64;
    let grant = (signed_in - registered) as f64 / number as f64;
    println!(
        "  {number:7} people: {client:.0} a client (aim {CLIENT_AIM}: {}), {grant:.0} a grant \
         (aim {GRANT_AIM}: {})",
        met(client <= CLIENT_AIM),
        met(grant <= GRANT_AIM),
    );
    people
}

fn refreshes(number: usize) {
    let mut people = People::new(number);
    people.register();
    people.sign_in();
    let begin = ALLOCATED.current_usage() as f64;
    for refresh in 1..=20 {
        people.refresh();
        let kept = (ALLOCATED.current_usage() as f64 - begin) / number as f64;
        people.settle();
        let left = (ALLOCATED.current_usage() as f64 - begin) / number as f64;
        if [1, 5, 20].contains(&refresh) {
            println!(
                "  {number:7} grants after refresh {refresh:2}: {left:+.1} a grant; {kept:+.0} \
                 in the first 300 s, with the answer"
            );
        }
    }
}

const fn met(met: bool) -> &'static str {
    if met { "met" } else { "MISSED" }
}

/// The resident memory of this process in bytes.
pub(crate) fn resident() -> usize {
    status("VmRSS:")
}

/// The most it ever was since it was reset.
pub(crate) fn peak_resident() -> usize {
    status("VmHWM:")
}

pub(crate) fn reset_peak_resident() {
    fs::write("/proc/self/clear_refs", "5").expect("a Linux system");
}

fn status(name: &str) -> usize {
    let status = fs::read_to_string("/proc/self/status").expect("a Linux system");
    let line = status.lines().find(|line| line.starts_with(name));
    let kilobytes = line.and_then(|line| line.split_whitespace().nth(1));
    let kilobytes = kilobytes.and_then(|text| text.parse::<usize>().ok());
    kilobytes.expect("a number of kB") * 1024
}
