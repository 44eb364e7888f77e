//! Themes: what can be read, and what can be told apart, by numbers.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

use iolab::screen::{Depth, Palette, Role, Theme};
use ratatui::style::Color;

/// A tuned palette, the backgrounds that it is made for, and the contrast that it promises for text: with all
/// colours and with 256, among which no brown has 7 on white.
struct Tuned {
    palette: fn(Depth) -> Palette,
    backgrounds: &'static [u32],
    contrast: [f64; 2],
}

const TUNED: [Tuned; 4] = [
    Tuned { palette: Palette::Dark, backgrounds: &[0x000000, 0x1e1e1e], contrast: [4.5, 4.5] },
    Tuned { palette: Palette::Light, backgrounds: &[0xffffff, 0xfdf6e3], contrast: [4.5, 4.5] },
    Tuned { palette: Palette::Contrast, backgrounds: &[0x000000], contrast: [7.0, 7.0] },
    Tuned { palette: Palette::ContrastLight, backgrounds: &[0xffffff], contrast: [7.0, 6.5] },
];

/// Roles that say opposite things where they stand beside each other.
const OPPOSITES: [(Role, Role); 4] = [
    (Role::Good, Role::Warn),
    (Role::Warn, Role::Bad),
    (Role::Good, Role::Bad),
    (Role::Submission, Role::Completion),
];

/// How far apart opposites stay, CIE76: 2.3 is just noticeable, 20 is seen at a glance.
const APART: f64 = 20.0;

type Rgb = [f64; 3];
type Matrix = [[f64; 3]; 3];

/// Full colour blindness of each kind, on linear RGB: Machado, Oliveira and Fernandes, "A Physiologically-based
/// Model for Simulation of Color Vision Deficiency", 2009, table of severity 1.0.
const EYES: [(&str, Matrix); 4] = [
    ("all cones", [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]),
    (
        "protanopia",
        [
            [0.152_286, 1.052_583, -0.204_868],
            [0.114_503, 0.786_281, 0.099_216],
            [-0.003_882, -0.048_116, 1.051_998],
        ],
    ),
    (
        "deuteranopia",
        [
            [0.367_322, 0.860_646, -0.227_968],
            [0.280_085, 0.672_501, 0.047_413],
            [-0.011_820, 0.042_940, 0.968_881],
        ],
    ),
    (
        "tritanopia",
        [
            [1.255_528, -0.076_749, -0.178_779],
            [-0.078_411, 0.930_809, 0.147_602],
            [0.004_733, 0.691_367, 0.303_900],
        ],
    ),
];

/// Both depths of a tuned palette.
fn themes(tuned: &Tuned) -> [Theme; 2] {
    [Depth::Full, Depth::Indexed].map(|depth| Theme { palette: (tuned.palette)(depth), ascii: false })
}

/// The colour of a role, if it has one of its own.
fn colour(theme: Theme, role: Role) -> Option<u32> {
    match theme.style(role).fg? {
        Color::Rgb(r, g, b) => Some(u32::from_be_bytes([0, r, g, b])),
        Color::Indexed(index) => Some(indexed(index)),
        other => panic!("{role:?} of {theme:?} is {other:?}, which its owner may have changed"),
    }
}

/// A colour of xterm's 256: a cube of six steps a side, then greys.
fn indexed(index: u8) -> u32 {
    const STEPS: [u8; 6] = [0, 95, 135, 175, 215, 255];
    assert!(index >= 16, "the first sixteen are the owner's");
    let [r, g, b] = match index {
        grey @ 232.. => [8 + (grey - 232) * 10; 3],
        cube => [(cube - 16) / 36, (cube - 16) / 6 % 6, (cube - 16) % 6].map(|step| STEPS[usize::from(step)]),
    };
    u32::from_be_bytes([0, r, g, b])
}

/// Linear light of each primary (IEC 61966-2-1).
fn linear(colour: u32) -> Rgb {
    let [_, r, g, b] = colour.to_be_bytes();
    [r, g, b].map(|value| {
        let value = f64::from(value) / 255.0;
        if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    })
}

fn through(matrix: &Matrix, rgb: Rgb) -> Rgb {
    matrix.map(|row| row.iter().zip(rgb).map(|(m, c)| m * c).sum::<f64>().clamp(0.0, 1.0))
}

/// Contrast ratio of WCAG 2.2: 1 to 21.
fn contrast(one: u32, other: u32) -> f64 {
    let luminance = |colour| {
        let [r, g, b] = linear(colour);
        0.2126 * r + 0.7152 * g + 0.0722 * b
    };
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

/// CIE L*a*b* under D65.
fn lab(rgb: Rgb) -> Rgb {
    let to_xyz: Matrix = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]];
    let [x, y, z] = through(&to_xyz, rgb);
    let curve = |t: f64| if t > 0.008_856 { t.cbrt() } else { 7.787 * t + 16.0 / 116.0 };
    let (x, y, z) = (curve(x / 0.950_47), curve(y), curve(z / 1.088_83));
    [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
}

fn difference(one: Rgb, other: Rgb) -> f64 {
    lab(one).iter().zip(lab(other)).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt()
}

#[test]
fn text_has_the_contrast_that_its_theme_promises() {
    for tuned in &TUNED {
        for (theme, promised) in themes(tuned).into_iter().zip(tuned.contrast) {
            for role in Role::ALL {
                let Some(colour) = colour(theme, role) else { continue };
                // Lines and frames are no text: WCAG asks for 3 (1.4.11).
                let least = if role == Role::Frame { 3.0 } else { promised };
                for background in tuned.backgrounds {
                    let ratio = contrast(colour, *background);
                    assert!(ratio >= least, "{role:?} of {theme:?} on {background:06x}: {ratio:.1}");
                }
            }
        }
    }
}

#[test]
fn opposites_stay_apart_for_every_kind_of_eye() {
    for theme in TUNED.iter().flat_map(themes) {
        for (one, other) in OPPOSITES {
            for (eye, matrix) in &EYES {
                let seen = |role| through(matrix, linear(colour(theme, role).unwrap()));
                let apart = difference(seen(one), seen(other));
                assert!(apart >= APART, "{one:?} and {other:?} of {theme:?}, {eye}: {apart:.0}");
            }
        }
    }
}

#[test]
fn states_differ_by_their_glyphs_too() {
    for ascii in [false, true] {
        let glyphs = Theme { palette: Palette::Mono, ascii }.glyphs();
        for pair in [
            [glyphs.good, glyphs.warn],
            [glyphs.warn, glyphs.bad],
            [glyphs.good, glyphs.bad],
            [glyphs.live, glyphs.frozen],
            [glyphs.frozen, glyphs.stopped],
            [glyphs.live, glyphs.stopped],
            [glyphs.head, glyphs.tail],
            [glyphs.exact, glyphs.partial],
            [glyphs.done, glyphs.open],
        ] {
            assert_ne!(pair[0], pair[1], "with ASCII only: {ascii}");
        }
    }
}

#[test]
fn no_theme_sets_a_background_and_mono_no_colour() {
    let tuned = TUNED.iter().flat_map(themes).map(|theme| theme.palette);
    for palette in tuned.chain([Palette::Ansi, Palette::Mono]) {
        for role in Role::ALL {
            let style = Theme { palette, ascii: false }.style(role);
            assert_eq!(style.bg, None, "{role:?} of {palette:?}");
            assert!(palette != Palette::Mono || style.fg.is_none(), "{role:?}");
        }
    }
}
