//! Insights that hold: what is going on, what this run shows, what to do.

use ratatui::layout::Rect;

use super::Scene;
use crate::screen::paint::{Paint, width, wrap};
use crate::screen::theme::Role;
use crate::world::insight::{self, Finding};

fn findings(scene: &Scene<'_>) -> Vec<(String, Finding)> {
    let all = scene.servers.iter();
    all.flat_map(|server| server.insights().into_iter().map(|finding| (server.name.to_owned(), finding)))
        .collect()
}

/// The lines of one finding: title, evidence, cause, fix.
fn lines(server: &str, finding: &Finding, columns: u16) -> Vec<(String, Role)> {
    let row = insight::by_id(&finding.id);
    let title = row.map_or(finding.id.as_str(), |row| row.title);
    let mut lines = vec![(format!("{server}: {title}"), Role::Strong)];
    let mut add = |text: &str, role| lines.extend(wrap(text, columns).into_iter().map(|line| (line, role)));
    add(&finding.says, Role::Plain);
    if let Some(row) = row {
        add(row.general, Role::Quiet);
        add(row.fix, Role::Good);
    }
    lines
}

pub(super) fn rows(scene: &Scene<'_>, columns: u16) -> (u16, u16) {
    let indent = 2;
    let found = findings(scene);
    let count = u16::try_from(found.len()).unwrap_or(u16::MAX);
    let all = found
        .iter()
        .map(|(server, finding)| lines(server, finding, columns.saturating_sub(indent)).len())
        .sum::<usize>();
    (count.min(3), u16::try_from(all).unwrap_or(u16::MAX))
}

pub(super) fn draw(paint: &mut Paint, area: Rect, scene: &Scene<'_>) {
    let glyph = paint.glyphs().warn;
    let indent = width(glyph).saturating_add(1);
    let found = findings(scene);
    let mut row = 0_u16;
    for (index, (server, finding)) in found.iter().enumerate() {
        let lines = lines(server, finding, area.width.saturating_sub(indent));
        // Each of those that follow keeps a row for its title.
        let after = u16::try_from(found.len() - index - 1).unwrap_or(u16::MAX);
        let room = usize::from(area.height.saturating_sub(row).saturating_sub(after));
        if room > 0 {
            paint.text(area, 0, row, glyph, Role::Warn);
        }
        for (line, role) in lines.iter().take(room) {
            paint.text(area, indent, row, line, *role);
            row = row.saturating_add(1);
        }
    }
}
