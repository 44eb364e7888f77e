//! The book cannot rot: it is built by mdBook as a reader builds it, but strictly, and looked at page by page.
//!
//! mdBook ends well where an include is missing, so here any warning of it fails. What is checked of pages is in
//! `checks`; `rot` breaks a copy on purpose, one thing at a time, to see that the checks see it; `browser` opens every page
//! in Chromium. With `IOLAB_BOOK_PICTURES=DIR` that test keeps pictures of four pages, to be looked at.

#![allow(clippy::unwrap_used, reason = "a test says what went wrong by where it panics")]

mod browser;
mod built;
mod checks;
mod devtools;
mod html;
mod pages;
mod rot;
