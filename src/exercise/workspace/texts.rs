//! The files of a workspace that are iolab's, as texts. Pure.

/// What is at the workspace's root, beside the exercises; written where nothing is there yet.
pub const FILES: &[(&str, &str)] =
    &[("README.md", README), (".gitignore", GITIGNORE), (".vscode/settings.json", SETTINGS)];

const README: &str = "# iolab exercises

Each folder is a program that is wrong, or not finished. Its `README.md` says what it is to do.

    iolab exercise watch        build and check at each save
    iolab exercise check        once
    iolab exercise hint         one step further each time
    iolab exercise list         all exercises, and how far you are

The programs are ordinary crates: `cargo run -p NAME`, a debugger or strace work as always. What you have done is
kept in your journal (~/.local/state/iolab), and `iolab exercise reset NAME` makes a copy of your work before it
takes it away.
";

const GITIGNORE: &str = "/target/\n";

// rust-analyzer builds in a folder of its own: sharing one, it would hold cargo's lock when a save is checked.
const SETTINGS: &str = r#"{
    "rust-analyzer.cargo.targetDir": true,
    "rust-analyzer.check.workspace": false,
    "rust-analyzer.cargo.extraEnv": { "CARGO_NET_OFFLINE": "true" },
    "files.watcherExclude": { "**/target/**": true }
}
"#;

/// The root's `Cargo.toml`, with these folders as members.
pub fn cargo<'m>(members: impl IntoIterator<Item = &'m str>) -> String {
    let members = list(members);
    format!(
        "# Members are the exercises that you have opened: `iolab exercise watch NAME` opens another.
[workspace]
resolver = \"3\"
{members}
# Line numbers are enough to find a place by; more would make each link slower.
[profile.dev]
debug = \"line-tables-only\"

[profile.dev.package.\"*\"]
debug = false
"
    )
}

/// A `Cargo.toml` with other members; the rest stays as its owner wrote it. `None` where the list of members
/// cannot be found.
pub fn with_members<'m>(cargo: &str, members: impl IntoIterator<Item = &'m str>) -> Option<String> {
    let lines: Vec<&str> = cargo.split_inclusive('\n').collect();
    let first = lines.iter().position(|line| line.trim_start().starts_with("members = ["))?;
    let last = first + lines[first..].iter().position(|line| line.contains(']'))?;
    Some(lines[..first].concat() + &list(members) + &lines[last + 1..].concat())
}

fn list<'m>(members: impl IntoIterator<Item = &'m str>) -> String {
    let each: String = members.into_iter().map(|member| format!("    \"{member}\",\n")).collect();
    format!("members = [\n{each}]\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_change_and_the_rest_stays() {
        let one = cargo(["01-a"]);
        assert_eq!(with_members(&one, ["01-a", "02-b"]), Some(cargo(["01-a", "02-b"])));
        let own = format!("{one}\n[profile.release]\nlto = true\n")
            .replace("members = [\n", "members = [ # mine\n");
        let changed = with_members(&own, ["02-b"]).unwrap();
        assert!(changed.contains("lto = true") && changed.contains("\"02-b\"") && !changed.contains("01-a"));
        let in_one_line = with_members("[workspace]\nmembers = [\"x\"]\nresolver = \"3\"\n", ["y"]).unwrap();
        assert_eq!(in_one_line, "[workspace]\nmembers = [\n    \"y\",\n]\nresolver = \"3\"\n");
        assert_eq!(with_members("[workspace]\n", ["y"]), None);
    }

    #[test]
    fn the_settings_are_json() {
        assert!(serde_json::from_str::<serde_json::Value>(SETTINGS).is_ok());
    }
}
