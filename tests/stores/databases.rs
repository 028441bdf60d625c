//! What is particular to databases.

use libtest_mimic::Trial as Test;

pub(crate) fn tests() -> Vec<Test> {
    vec![]
}
