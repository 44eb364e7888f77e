//! The lock file of a learner's workspace, computed from the program's own: the same versions, the same
//! checksums, and nothing that no member needs, for `cargo build --locked` refuses a file that it would write
//! in another way.
//!
//! Pure: texts in, a text out. The format is version 4, as cargo writes it since Rust 1.83.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use serde::Deserialize;

/// The lock file that the program itself was built with.
pub const WHOLE: &str = include_str!("../../../Cargo.lock");

/// Dependencies that a package has only where a feature is asked for: package, dependency, features. A lock
/// file does not say which features brought its lines, so this is written down; a test holds it to cargo.
const OPTIONAL: &[(&str, &str, &[&str])] =
    &[("nix", "memoffset", &["socket", "net"]), ("nix", "pin-utils", &["aio"])];

/// A member of the workspace, as far as the lock file knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    name: String,
    version: String,
    /// What it depends on: name, the version that is asked for, features.
    wants: Vec<(String, String, BTreeSet<String>)>,
}

#[derive(Deserialize)]
struct Manifest {
    package: About,
    #[serde(default)]
    dependencies: BTreeMap<String, Wanted>,
}

#[derive(Deserialize)]
struct About {
    name: String,
    version: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Wanted {
    Version(String),
    More {
        version: String,
        #[serde(default)]
        features: BTreeSet<String>,
    },
}

impl Member {
    /// Reads a member's `Cargo.toml`. Exercises have plain `[dependencies]` and no others.
    ///
    /// # Errors
    /// What is wrong with it, in toml's words.
    pub fn read(cargo: &str) -> Result<Self, String> {
        let Manifest { package, dependencies } = toml::from_str(cargo).map_err(|error| error.to_string())?;
        let want = |(name, wanted)| match wanted {
            Wanted::Version(version) => (name, version, BTreeSet::new()),
            Wanted::More { version, features } => (name, version, features),
        };
        let wants = dependencies.into_iter().map(want).collect();
        Ok(Self { name: package.name, version: package.version, wants })
    }
}

#[derive(Deserialize)]
struct Lock {
    package: Vec<Package>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
struct Package {
    name: String,
    version: String,
    source: Option<String>,
    checksum: Option<String>,
    #[serde(default)]
    dependencies: Vec<String>,
}

/// The lock file of a workspace with these members.
///
/// # Errors
/// The whole lock file cannot be read, or lacks what a member asks for.
pub fn lock(whole: &str, members: &[Member]) -> Result<String, String> {
    let whole: Lock = toml::from_str(whole).map_err(|error| error.to_string())?;
    // What is built from a folder is nobody's dependency here.
    let all: Vec<Package> = whole.package.into_iter().filter(|package| package.source.is_some()).collect();
    // Features add up over the members: cargo locks for all of them together.
    let mut features = BTreeMap::<&str, BTreeSet<&str>>::new();
    for (name, _, more) in members.iter().flat_map(|member| &member.wants) {
        features.entry(name).or_default().extend(more.iter().map(String::as_str));
    }
    let mut needed = BTreeMap::<(String, String), Vec<Package>>::new();
    let mut open: Vec<Package> = Vec::new();
    for member in members {
        let mut below = Vec::new();
        for (name, version, _) in &member.wants {
            let found = all.iter().filter(|package| package.name == *name);
            let found = found.filter(|package| satisfies(&package.version, version));
            let found = found.max_by_key(|package| parts(&package.version)).ok_or_else(|| {
                format!("{} asks for {name} {version}, which is not among the locked crates", member.name)
            })?;
            below.push(found.clone());
        }
        open.extend(below.iter().cloned());
        needed.insert((member.name.clone(), member.version.clone()), below);
    }
    while let Some(package) = open.pop() {
        let key = (package.name.clone(), package.version.clone());
        if needed.contains_key(&key) {
            continue;
        }
        let mut below = Vec::new();
        for said in package.dependencies.iter().filter(|said| is_on(&package.name, said, &features)) {
            below.push(dependency(&all, said)?.clone());
        }
        open.extend(below.iter().cloned());
        needed.insert(key, below);
    }
    Ok(write(&needed, &all))
}

/// Whether a dependency is there with these features.
fn is_on(package: &str, said: &str, features: &BTreeMap<&str, BTreeSet<&str>>) -> bool {
    let name = said.split(' ').next().unwrap_or_default();
    let row = OPTIONAL.iter().find(|(of, dependency, _)| *of == package && *dependency == name);
    row.is_none_or(|(_, _, by)| {
        features.get(package).is_some_and(|on| by.iter().any(|feature| on.contains(feature)))
    })
}

/// What `name`, `name version` or `name version (source)` stands for.
fn dependency<'a>(all: &'a [Package], said: &str) -> Result<&'a Package, String> {
    let mut words = said.split(' ');
    let (name, version) = (words.next().unwrap_or_default(), words.next());
    let is_it =
        |package: &&Package| package.name == name && version.is_none_or(|version| package.version == version);
    all.iter().find(is_it).ok_or_else(|| format!("the lock file names {said:?} and does not have it"))
}

fn write(needed: &BTreeMap<(String, String), Vec<Package>>, all: &[Package]) -> String {
    let mut out = String::from(
        "# This file is automatically @generated by Cargo.\n# It is not intended for manual editing.\nversion = 4\n",
    );
    let versions_of = |name: &str| needed.keys().filter(|(other, _)| other == name).count();
    let mut keys: Vec<_> = needed.keys().collect();
    keys.sort_by(|(a, a_version), (b, b_version)| (a, parts(a_version)).cmp(&(b, parts(b_version))));
    for key @ (name, version) in keys {
        let _ = write!(out, "\n[[package]]\nname = \"{name}\"\nversion = \"{version}\"\n");
        let locked = all.iter().find(|package| package.name == *name && package.version == *version);
        if let Some(Package { source: Some(source), checksum, .. }) = locked {
            let _ = writeln!(out, "source = \"{source}\"");
            if let Some(checksum) = checksum {
                let _ = writeln!(out, "checksum = \"{checksum}\"");
            }
        }
        let mut below: Vec<_> = needed[key].iter().map(|package| (&package.name, &package.version)).collect();
        below.sort();
        below.dedup();
        if !below.is_empty() {
            out += "dependencies = [\n";
            for (name, version) in below {
                // A version is said only where the name alone could mean two.
                let _ = match versions_of(name) {
                    1 => writeln!(out, " \"{name}\","),
                    _ => writeln!(out, " \"{name} {version}\","),
                };
            }
            out += "]\n";
        }
    }
    out
}

/// Whether a version is what a requirement without operators asks for: the leftmost part that is not 0 is the
/// same, and nothing is older (Cargo's caret).
fn satisfies(version: &str, asked: &str) -> bool {
    let asked = parts(asked.trim().trim_start_matches('^'));
    let version = parts(version);
    let fixed = asked.iter().position(|part| *part != 0).map_or(asked.len(), |first| first + 1);
    version.len() >= fixed && version[..fixed] == asked[..fixed] && version >= asked
}

fn parts(version: &str) -> Vec<u64> {
    let plain = version.split(['-', '+']).next().unwrap_or_default();
    plain.split('.').map_while(|part| part.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(name: &str, dependencies: &str) -> Member {
        Member::read(&format!(
            "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\n[dependencies]\n{dependencies}"
        ))
        .unwrap()
    }

    fn names(text: &str) -> Vec<&str> {
        text.lines().filter_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"')).collect()
    }

    #[test]
    fn members_without_dependencies_need_nothing() {
        let text = lock(WHOLE, &[member("b", ""), member("a", "")]).unwrap();
        assert_eq!(names(&text), ["a", "b"]);
        assert!(!text.contains("source") && !text.contains("dependencies"), "{text}");
    }

    #[test]
    fn what_is_needed_is_there_with_its_checksum_and_nothing_else() {
        let text = lock(WHOLE, &[member("ring", "io-uring = \"0.7.15\"\nlibc = \"0.2\"")]).unwrap();
        assert_eq!(names(&text), ["bitflags", "cfg-if", "io-uring", "libc", "ring"]);
        assert_eq!(text.matches("checksum = ").count(), 4);
        assert!(text.ends_with("dependencies = [\n \"io-uring\",\n \"libc\",\n]\n"), "{text}");
    }

    #[test]
    fn a_feature_of_any_member_brings_what_it_needs() {
        let plain = member("a", "nix = { version = \"0.31\", features = [\"event\"] }");
        let sockets = member("b", "nix = { version = \"0.31\", features = [\"net\"] }");
        let without = lock(WHOLE, std::slice::from_ref(&plain)).unwrap();
        assert!(!names(&without).contains(&"memoffset"), "{without}");
        let with = lock(WHOLE, &[plain, sockets]).unwrap();
        assert!(names(&with).contains(&"memoffset") && names(&with).contains(&"autocfg"), "{with}");
    }

    #[test]
    fn two_versions_of_a_name_are_told_apart() {
        let whole = "version = 4\n\
             [[package]]\nname=\"x\"\nversion=\"1.2.0\"\nsource=\"s\"\n\
             [[package]]\nname=\"x\"\nversion=\"2.10.0\"\nsource=\"s\"\n\
             [[package]]\nname=\"y\"\nversion=\"0.3.1\"\nsource=\"s\"\ndependencies=[\"x 1.2.0\"]\n";
        let both = lock(whole, &[member("m", "x = \"2.9\"\ny = \"0.3\"")]).unwrap();
        assert!(both.contains(" \"x 1.2.0\",") && both.contains(" \"x 2.10.0\","), "{both}");
        let one = lock(whole, &[member("m", "y = \"0.3\"")]).unwrap();
        assert!(one.contains(" \"x\",") && !one.contains("2.10.0"), "{one}");
        let why = lock(whole, &[member("m", "x = \"3\"")]).unwrap_err();
        assert!(why.contains("m asks for x 3"), "{why}");
    }

    #[test]
    fn versions_satisfy_as_cargo_says() {
        for (version, asked) in
            [("0.2.191", "0.2"), ("0.7.16", "0.7.15"), ("1.4.0", "1"), ("0.31.3", "^0.31")]
        {
            assert!(satisfies(version, asked), "{version} {asked}");
        }
        for (version, asked) in [("0.3.0", "0.2"), ("0.7.14", "0.7.15"), ("2.0.0", "1"), ("0.2.1", "0.2.2")] {
            assert!(!satisfies(version, asked), "{version} {asked}");
        }
    }
}
