//! What a file claims, held against what fits, and the library's panics as errors.

use std::panic::{self, AssertUnwindSafe};

use parquet::column::page::{Page, PageMetadata, PageReader};
use parquet::errors::ParquetError;

/// Pages whose headers are held against what the page and its row group can hold, before the library makes
/// room for what they claim.
pub(super) struct Checked {
    pub(super) pages: Box<dyn PageReader>,
    pub(super) rows: usize,
    pub(super) done: bool,
}

impl Checked {
    fn check(&self, page: &Page) -> Result<(), ParquetError> {
        let claimed = page.num_values() as usize;
        // A value of a dictionary takes four bytes at least; a flat column has a value for each row at most.
        let most = match page {
            Page::DictionaryPage { buf, .. } => buf.len(),
            Page::DataPage { .. } | Page::DataPageV2 { .. } => self.rows,
        };
        if claimed <= most {
            return Ok(());
        }
        Err(ParquetError::General(format!("a page claims {claimed} values where {most} fit")))
    }
}

impl Iterator for Checked {
    type Item = Result<Page, ParquetError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let page = self.get_next_page().transpose();
        self.done = !matches!(page, Some(Ok(_)));
        page
    }
}

impl PageReader for Checked {
    fn get_next_page(&mut self) -> Result<Option<Page>, ParquetError> {
        let page = self.pages.get_next_page()?;
        page.iter().try_for_each(|page| self.check(page))?;
        Ok(page)
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>, ParquetError> {
        self.pages.peek_next_page()
    }

    fn skip_next_page(&mut self) -> Result<(), ParquetError> {
        self.pages.skip_next_page()
    }

    fn at_record_boundary(&mut self) -> Result<bool, ParquetError> {
        self.pages.at_record_boundary()
    }
}

/// Runs the library, which panics at some of what no writer writes (an empty dictionary page, as of 60.1); its
/// panics are errors of the file like any other.
pub(super) fn guarded<T>(run: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, ParquetError> {
    let hook = panic::take_hook();
    panic::set_hook(Box::new(|_| {}));
    let done = panic::catch_unwind(AssertUnwindSafe(run));
    panic::set_hook(hook);
    done.unwrap_or_else(|_| Err(ParquetError::General("its pages contradict each other".to_owned())))
}
