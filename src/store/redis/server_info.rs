use super::failure::Failure;

/// The first version with `SET … EXAT`.
const OLDEST: (u32, u32) = (6, 2);

/// Judges what the server says about itself in answer to `INFO`. What it does
/// not say is not held against it.
pub(super) fn judge(info: &str) -> Result<(), Failure> {
    // Valkey gives the version of Redis that it can stand in for.
    if let Some(version) = value(info, "redis_version")
        && major_and_minor(version).is_some_and(|version| version < OLDEST)
    {
        return Err(Failure::TooOld(version.to_owned()));
    }
    if value(info, "role") == Some("slave") {
        return Err(Failure::Replica);
    }
    let bounded = value(info, "maxmemory").is_some_and(|bytes| bytes != "0");
    match value(info, "maxmemory_policy") {
        Some(policy) if bounded && policy != "noeviction" => {
            Err(Failure::Evicts(policy.to_owned()))
        }
        Some(_) | None => Ok(()),
    }
}

fn value<'a>(info: &'a str, name: &str) -> Option<&'a str> {
    let lines = info.lines().filter_map(|line| line.split_once(':'));
    let mut found = lines.filter(|(key, _)| *key == name);
    found.next().map(|(_, value)| value.trim())
}

fn major_and_minor(version: &str) -> Option<(u32, u32)> {
    let mut numbers = version.split('.').map(|number| number.parse().ok());
    Some((numbers.next()??, numbers.next()??))
}
