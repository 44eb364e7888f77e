//! Answers each line.

use std::io::{BufRead, Write};

fn main() {
    let mut out = std::io::stdout();
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        let number: u64 = line.split(' ').nth(1).and_then(|word| word.parse().ok()).unwrap_or(0);
        let _ = writeln!(out, "done {}", number * 2);
        let _ = out.flush();
    }
}
