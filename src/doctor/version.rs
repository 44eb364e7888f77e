//! A kernel's version, as far as it decides what the kernel has.

use std::fmt;

/// Major and minor number of a Linux release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub u16, pub u16);

impl Version {
    /// Reads a release as uname(2) gives it (`6.18.44-fc-v657`, `5.15.167.4-microsoft-standard-WSL2`); what
    /// is no version is older than every kernel.
    pub fn of(release: &str) -> Self {
        let mut numbers = release.split(|letter: char| !letter.is_ascii_digit());
        let mut next = || numbers.next().and_then(|number| number.parse().ok()).unwrap_or(0);
        Self(next(), next())
    }
}

impl fmt::Display for Version {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}.{}", self.0, self.1)
    }
}

#[cfg(test)]
mod tests {
    use super::Version;

    #[test]
    fn releases_of_distributions_are_read() {
        assert_eq!(Version::of("6.18.44-fc-v657"), Version(6, 18));
        assert_eq!(Version::of("5.15.167.4-microsoft-standard-WSL2"), Version(5, 15));
        assert_eq!(Version::of("5.4-rc1"), Version(5, 4));
        assert_eq!(Version::of("4.4.0-19041-Microsoft"), Version(4, 4));
        assert_eq!(Version::of("unknown"), Version(0, 0));
        assert_eq!(Version::of(""), Version(0, 0));
    }

    #[test]
    fn versions_compare_by_number_not_by_letter() {
        assert!(Version(5, 9) < Version(5, 19));
        assert!(Version(5, 19) < Version(6, 0));
    }
}
