//! Finds the modules that a Rust source file uses, by their place at the root.

/// What a path names that leads to the root itself rather than to a module.
pub(crate) const ROOT: &str = "the crate's root";

/// A path to an item at the crate's root.
#[derive(Debug)]
pub(crate) struct Use {
    /// The line it stands on, counted from one.
    pub(crate) line: usize,
    /// The name of the item, or [`ROOT`].
    pub(crate) target: String,
}

#[derive(Clone, Debug, Eq, PartialEq)]
struct Token {
    text: String,
    line: usize,
}

/// The paths in `source` that start at the root, where the file is a module
/// `depth` levels below it. Comments, texts and test modules are left out.
pub(crate) fn uses(source: &str, depth: usize) -> Vec<Use> {
    let tokens = without_tests(&tokens(source));
    let mut found = Vec::new();
    let mut braces = 0_usize;
    let mut inline_modules = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let next = text(&tokens, at + 1);
        match token.text.as_str() {
            "{" => {
                braces += 1;
                if at >= 2 && text(&tokens, at - 2) == "mod" {
                    inline_modules.push(braces);
                }
            }
            "}" => {
                if inline_modules.last() == Some(&braces) {
                    inline_modules.pop();
                }
                braces = braces.saturating_sub(1);
            }
            "crate" if next == "::" => follow(&tokens, at + 2, 0, &mut found),
            "crate" if next == "as" => found.push(root(token)),
            "super" if next == "::" && !continues_super(&tokens, at) => {
                let below = depth + inline_modules.len();
                follow(&tokens, at, below, &mut found);
            }
            _ => {}
        }
    }
    found
}

/// Follows the path that goes on at token `at`, `depth` levels below the root.
fn follow(tokens: &[Token], mut at: usize, mut depth: usize, found: &mut Vec<Use>) {
    while text(tokens, at) == "super" && text(tokens, at + 1) == "::" {
        depth = depth.saturating_sub(1);
        at += 2;
    }
    let Some(token) = tokens.get(at) else { return };
    match token.text.as_str() {
        "{" => {
            for element in elements(tokens, at) {
                follow(tokens, element, depth, found);
            }
        }
        "self" | "*" if depth == 0 => found.push(root(token)),
        name if depth == 0 => found.push(Use {
            line: token.line,
            target: name.to_owned(),
        }),
        _ => {}
    }
}

/// Where the elements of the group start that opens at token `open`.
fn elements(tokens: &[Token], open: usize) -> Vec<usize> {
    let close = closing(tokens, open);
    let mut starts = Vec::new();
    let mut level = 0_usize;
    for at in open..close {
        match text(tokens, at) {
            "{" => level += 1,
            "}" => level -= 1,
            _ => {}
        }
        let begins = matches!(text(tokens, at), "," | "{") && level == 1;
        let is_group_of_element = text(tokens, at) == "{" && at != open;
        if begins && !is_group_of_element && at + 1 < close {
            starts.push(at + 1);
        }
    }
    starts
}

fn root(token: &Token) -> Use {
    Use {
        line: token.line,
        target: ROOT.to_owned(),
    }
}

fn continues_super(tokens: &[Token], at: usize) -> bool {
    at >= 2 && text(tokens, at - 1) == "::" && text(tokens, at - 2) == "super"
}

fn text(tokens: &[Token], at: usize) -> &str {
    tokens.get(at).map_or("", |token| &token.text)
}

/// Drops each item under `#[cfg(test)]` or `#[cfg(all(test, …))]`.
fn without_tests(tokens: &[Token]) -> Vec<Token> {
    let mut kept = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if is_test_only(tokens, at) {
            at = end_of_item(tokens, at);
        } else {
            kept.push(tokens[at].clone());
            at += 1;
        }
    }
    kept
}

fn is_test_only(tokens: &[Token], at: usize) -> bool {
    let starts_with = |pattern: &[&str]| {
        let mut pairs = pattern.iter().enumerate();
        pairs.all(|(offset, expected)| text(tokens, at + offset) == *expected)
    };
    starts_with(&["#", "[", "cfg", "(", "test", ")"])
        || starts_with(&["#", "[", "cfg", "(", "all", "(", "test", ","])
}

/// The token behind the item whose first attribute is at token `at`.
fn end_of_item(tokens: &[Token], mut at: usize) -> usize {
    while text(tokens, at) == "#" {
        at = closing(tokens, at + 1) + 1;
    }
    let is_use = text(tokens, at) == "use" || text(tokens, at + 1) == "use";
    while at < tokens.len() {
        match text(tokens, at) {
            ";" => return at + 1,
            "{" if is_use => at = closing(tokens, at) + 1,
            "{" => return closing(tokens, at) + 1,
            "(" | "[" => at = closing(tokens, at) + 1,
            _ => at += 1,
        }
    }
    at
}

/// The bracket that closes the one at token `open`, or the end.
fn closing(tokens: &[Token], open: usize) -> usize {
    let mut level = 0_usize;
    for at in open..tokens.len() {
        match text(tokens, at) {
            "(" | "[" | "{" => level += 1,
            ")" | "]" | "}" => level -= 1,
            _ => {}
        }
        if level == 0 {
            return at;
        }
    }
    tokens.len()
}

/// Words, `::` and single signs, without comments and literals.
fn tokens(source: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = source;
    let mut line = 1;
    while let Some(first) = rest.chars().next() {
        let length = skipped(rest).unwrap_or_else(|| {
            let length = match first {
                ':' if rest.starts_with("::") => 2,
                _ if is_word(first) => rest.find(|sign| !is_word(sign)).unwrap_or(rest.len()),
                _ => first.len_utf8(),
            };
            if !first.is_whitespace() {
                let text = rest[..length].to_owned();
                tokens.push(Token { text, line });
            }
            length
        });
        line += rest[..length].matches('\n').count();
        rest = &rest[length..];
    }
    tokens
}

fn is_word(sign: char) -> bool {
    sign.is_alphanumeric() || sign == '_'
}

/// The length of the comment or literal that `rest` starts with.
fn skipped(rest: &str) -> Option<usize> {
    if rest.starts_with("//") {
        return Some(rest.find('\n').unwrap_or(rest.len()));
    }
    if rest.starts_with("/*") {
        return Some(block_comment(rest));
    }
    if rest.starts_with('\'') {
        return character(rest);
    }
    // At most two letters, as in `br"…"`, stand before a literal.
    let mut start = rest.char_indices().take(3);
    let (prefix, _) = start.find(|(_, sign)| matches!(sign, '"' | '#'))?;
    match &rest[..prefix] {
        "" | "b" | "c" if rest[prefix..].starts_with('"') => Some(string(rest, prefix)),
        "r" | "br" | "cr" => raw_string(rest, prefix),
        _ => None,
    }
}

fn block_comment(rest: &str) -> usize {
    let mut level = 0_usize;
    let mut at = 0;
    while at < rest.len() {
        if rest[at..].starts_with("/*") {
            level += 1;
            at += 2;
        } else if rest[at..].starts_with("*/") {
            level -= 1;
            at += 2;
        } else {
            at += rest[at..].chars().next().map_or(1, char::len_utf8);
        }
        if level == 0 {
            return at;
        }
    }
    rest.len()
}

/// A character literal; a lifetime is none.
fn character(rest: &str) -> Option<usize> {
    let inner = &rest[1..];
    if inner.starts_with('\\') {
        // The escaped character may itself be a quote.
        let end = inner.get(2..)?.find('\'')?;
        return Some(1 + 2 + end + 1);
    }
    let length = inner.chars().next()?.len_utf8();
    inner[length..].starts_with('\'').then_some(length + 2)
}

fn string(rest: &str, quote: usize) -> usize {
    let mut escaped = false;
    for (at, sign) in rest[quote + 1..].char_indices() {
        match sign {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return quote + 1 + at + 1,
            _ => {}
        }
    }
    rest.len()
}

fn raw_string(rest: &str, prefix: usize) -> Option<usize> {
    let hashes = rest[prefix..]
        .chars()
        .take_while(|sign| *sign == '#')
        .count();
    let open = prefix + hashes;
    let content = rest[open..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    let found = content
        .find(&end)
        .map_or(content.len(), |at| at + end.len());
    Some(open + 1 + found)
}
