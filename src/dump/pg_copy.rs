//! Rows of Postgres' COPY in text format, as dumps and archives hold them.
//!
//! Source: PostgreSQL manual, COPY, "Text Format": a tab separates, a line feed ends a row, `\N` is NULL, a
//! backslash escapes, a line `\.` ends the data.

use super::specials::Specials;
use super::{ByteKind, CellKind, DumpError, Reject, RowBatch, RowSource, Sink, Window};

/// Rows rejected before they are handed on: wholly unfit data is not gathered in memory.
const MAX_REJECTS: usize = 1000;

/// Where COPY data ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// With its end marker.
    Marker,
    /// With the input, after a whole line or none.
    Input,
}

/// A row that has another number of cells than its table.
struct Misfit {
    start: usize,
    end: usize,
    cells: usize,
}

/// Reads rows up to the end marker or the end of the input.
///
/// # Errors
/// Returns what the input or the sink says.
pub(super) fn read(
    window: &mut Window,
    sink: &mut dyn Sink,
    batch: &mut RowBatch,
    source: RowSource,
    width: usize,
    crlf: bool,
) -> Result<Ended, DumpError> {
    batch.reset(source);
    loop {
        let mut misfits = Vec::new();
        let (used, ended) = lines(window.data(), width, crlf, window.at_end(), batch, &mut misfits);
        for misfit in misfits {
            let at = window.position_ahead(misfit.start);
            let raw = window.data()[misfit.start..misfit.end].to_vec();
            let why = format!("the row has {} fields, the table takes {width}", misfit.cells);
            sink.reject(Reject { source, file: window.file(), at, raw: &raw, why })?;
        }
        if used > 0 {
            sink.account(ByteKind::Data, window.source_bytes(used));
            let raw = window.detach(used);
            // A tab or line feed stands on both sides of every cell.
            window.give_back(batch.adopt(raw, true));
            if batch.is_empty() { batch.reset(source) } else { sink.rows(batch)? }
        }
        if ended {
            return Ok(Ended::Marker);
        }
        if used == 0 && !window.fill()? {
            // A last line without its end is not a row to be trusted.
            let rest = window.data().len();
            sink.account(ByteKind::Data, window.source_bytes(rest));
            window.consume(rest);
            return Ok(Ended::Input);
        }
    }
}

/// Splits whole lines at the start of `text`; returns how many bytes they span and whether the end marker was among them.
fn lines(text: &[u8], width: usize, crlf: bool, at_end: bool, batch: &mut RowBatch, misfits: &mut Vec<Misfit>) -> (usize, bool) {
    let (mut row, mut cell) = (0, 0);
    let mut escaped = false;
    let mut specials = Specials::new(text, [b'\t', b'\n', b'\\']);
    while let Some(at) = specials.next() {
        match text[at] {
            b'\t' => {
                push(text, cell, at, std::mem::take(&mut escaped), batch);
                cell = at + 1;
            }
            b'\n' => {
                let end = if crlf && at > cell && text[at - 1] == b'\r' { at - 1 } else { at };
                // A table without columns has empty lines for rows.
                if width > 0 || end > row {
                    push(text, cell, end, std::mem::take(&mut escaped), batch);
                }
                let cells = batch.open_cells();
                if cells == width {
                    batch.end_row();
                } else {
                    batch.abandon_row();
                    misfits.push(Misfit { start: row, end: at + 1, cells });
                }
                (row, cell) = (at + 1, at + 1);
                if batch.is_full() || misfits.len() >= MAX_REJECTS {
                    return (row, false);
                }
            }
            _ => {
                if at == row {
                    match end_marker(&text[at..], at_end) {
                        Some(0) => {}
                        Some(len) => return (at + len, true),
                        None => break,
                    }
                }
                if at + 1 >= text.len() {
                    break;
                }
                escaped = true;
                specials.skip_to(at + 2);
            }
        }
    }
    batch.abandon_row();
    (row, false)
}

/// Returns the length of the end marker's line at the start of `line`, 0 where it is a row, `None` where
/// more bytes must tell.
fn end_marker(line: &[u8], at_end: bool) -> Option<usize> {
    match line {
        [b'\\', b'.', b'\n', ..] => Some(3),
        [b'\\', b'.', b'\r', b'\n', ..] => Some(4),
        [b'\\' | b'.'] | [b'\\', b'.'] | [b'\\', b'.', b'\r'] => at_end.then_some(if line.len() > 1 { line.len() } else { 0 }),
        _ => Some(0),
    }
}

#[inline]
fn push(text: &[u8], start: usize, end: usize, escaped: bool, batch: &mut RowBatch) {
    if !escaped {
        batch.push_raw(CellKind::Text, start, end);
    } else if &text[start..end] == b"\\N" {
        batch.push_null();
    } else {
        unescape(&text[start..end], batch.buffer());
        batch.end_cell(CellKind::Text);
    }
}

/// Undoes the escapes of one cell.
fn unescape(cell: &[u8], out: &mut Vec<u8>) {
    let mut rest = cell;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        out.extend_from_slice(&rest[..at]);
        rest = &rest[at + 1..];
        let Some(&byte) = rest.first() else {
            out.push(b'\\');
            return;
        };
        let digits = |from: usize, most: usize, valid: fn(&u8) -> bool| rest[from..].iter().take(most).take_while(|b| valid(b)).count();
        let (value, used) = match byte {
            b'b' => (0x08, 1),
            b'f' => (0x0c, 1),
            b'n' => (b'\n', 1),
            b'r' => (b'\r', 1),
            b't' => (b'\t', 1),
            b'v' => (0x0b, 1),
            b'0'..=b'7' => {
                let len = digits(0, 3, |b| (b'0'..=b'7').contains(b));
                (rest[..len].iter().fold(0_u32, |n, b| n * 8 + u32::from(b - b'0')) as u8, len)
            }
            b'x' => match digits(1, 2, u8::is_ascii_hexdigit) {
                0 => (b'x', 1),
                len => (rest[1..=len].iter().fold(0, |n, b| n * 16 + (*b as char).to_digit(16).unwrap_or(0)) as u8, len + 1),
            },
            other => (other, 1),
        };
        out.push(value);
        rest = &rest[used..];
    }
    out.extend_from_slice(rest);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str, width: usize) -> (Vec<Vec<Option<Vec<u8>>>>, usize, bool) {
        let mut batch = RowBatch::new();
        let mut misfits = Vec::new();
        let (used, ended) = lines(text.as_bytes(), width, false, true, &mut batch, &mut misfits);
        batch.adopt(text.as_bytes()[..used].to_vec(), true);
        let rows = batch.rows().map(|r| r.iter().map(|c| (c.kind != CellKind::Null).then(|| c.bytes.to_vec())).collect()).collect();
        (rows, used, ended)
    }

    fn row(line: &str, width: usize) -> Vec<Option<Vec<u8>>> {
        rows(&format!("{line}\n"), width).0.remove(0)
    }

    #[test]
    fn undoes_escapes() {
        let text = |s: &str| Some(s.as_bytes().to_vec());
        assert_eq!(row("", 1), [text("")]);
        assert_eq!(row("a\t\t\\N\t\\\\N", 4), [text("a"), text(""), None, text("\\N")]);
        assert_eq!(row("x\\ty\\nz\\\\\\x41\\101\\q", 1), [text("x\ty\nz\\AAq")]);
        assert_eq!(row("\\\\x00ff\tlast", 2), [text("\\x00ff"), text("last")]);
        assert_eq!(row("old\\\nstyle", 1), [text("old\nstyle")]);
    }

    #[test]
    fn the_marker_ends_the_data_and_nothing_else_does() {
        assert_eq!(rows("a\n\\.\nrest", 1), (vec![vec![Some(b"a".to_vec())]], 5, true));
        assert_eq!(rows("\\\\.\nx\\.\n\\.", 1), (vec![vec![Some(b"\\.".to_vec())], vec![Some(b"x.".to_vec())]], 10, true));
        assert_eq!(rows("\n\n\\.\n", 0), (vec![vec![], vec![]], 5, true));
    }

    #[test]
    fn a_cut_line_asks_for_more() {
        let whole = "1\tab\\tc\\N\n";
        for cut in 0..whole.len() {
            let mut batch = RowBatch::new();
            assert_eq!(lines(&whole.as_bytes()[..cut], 2, false, false, &mut batch, &mut Vec::new()), (0, false), "{cut}");
            assert_eq!(batch.open_cells(), 0);
        }
    }
}
