//! A case file in the making: a private name in the target's folder, renamed when complete, removed when
//! not. What a killed run left behind is removed by the next one; what a living run holds is let be.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::SnapshotError;

/// How names of unfinished files begin, and end.
const PREFIX: &str = ".unseed-";
const SUFFIX: &str = ".partial";

/// What the scratch folder's name has more than the file's.
const SCRATCH: &str = ".d";

/// An unfinished file.
#[derive(Debug)]
pub struct Partial {
    path: PathBuf,
    target: PathBuf,
    /// Holds the lock that tells other runs that somebody still works on the file.
    _lock: File,
}

impl Partial {
    /// Makes an empty file beside `target`, mode 0600, after removing what killed runs left there.
    ///
    /// # Errors
    /// Returns what the system says.
    pub fn create(target: &Path) -> Result<Self, SnapshotError> {
        let folder = target.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let io_error = |source| SnapshotError::Io { file: target.display().to_string(), source };
        fs::create_dir_all(folder).map_err(io_error)?;
        sweep(folder);
        loop {
            // The temporary file has mode 0600 from the start; the case holds personal data.
            let made = tempfile::Builder::new().prefix(PREFIX).suffix(SUFFIX).tempfile_in(folder).map_err(io_error)?;
            let (lock, path) = made.keep().map_err(|e| io_error(e.error))?;
            let partial = Self { path, target: target.to_owned(), _lock: lock };
            // Another run's sweep may have come between the making and the lock; then once more.
            let _ = partial._lock.try_lock();
            if partial.path.exists() {
                return Ok(partial);
            }
        }
    }

    /// Returns where the unfinished file lies.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the folder for what else the run must put on disk; gone with this value.
    ///
    /// # Errors
    /// Returns what the system says.
    pub fn scratch(&self) -> Result<PathBuf, SnapshotError> {
        let folder = with_suffix(&self.path, SCRATCH);
        fs::create_dir_all(&folder).map_err(|e| self.io(e))?;
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).map_err(|e| self.io(e))?;
        Ok(folder)
    }

    /// Holds the disk against what the run is going to need, in bytes.
    ///
    /// # Errors
    /// Returns that the disk is too small; a system that does not tell is trusted.
    pub fn needs_room(&self, bytes: u64) -> Result<(), SnapshotError> {
        let folder = self.path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let Ok(disk) = rustix::fs::statvfs(folder) else { return Ok(()) };
        let free = disk.f_bavail.saturating_mul(disk.f_frsize);
        if free >= bytes {
            return Ok(());
        }
        Err(SnapshotError::DiskFull { file: self.target.display().to_string(), needed_mib: bytes >> 20, free_mib: free >> 20 })
    }

    /// Gives the file its name.
    ///
    /// # Errors
    /// Returns what the system says; the partial file is then gone.
    pub fn persist(self) -> Result<(), SnapshotError> {
        let _ = fs::remove_dir_all(with_suffix(&self.path, SCRATCH));
        fs::rename(&self.path, &self.target).map_err(|e| self.io(e))?;
        // The name must be on the disk as the content is.
        let folder = self.target.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder).and_then(|f| f.sync_all()).map_err(|e| self.io(e))
    }

    /// Makes SQLite spill its sorting into the target's folder.
    pub(super) fn sort_beside(&self, db: &Connection) -> rusqlite::Result<()> {
        let folder = self.path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let folder = folder.display().to_string().replace('\'', "''");
        db.execute_batch(&format!("PRAGMA temp_store = FILE; PRAGMA temp_store_directory = '{folder}';"))
    }

    pub(super) fn sqlite(&self, source: rusqlite::Error) -> SnapshotError {
        SnapshotError::Sqlite { file: self.target.display().to_string(), source }
    }

    pub(super) fn io(&self, source: std::io::Error) -> SnapshotError {
        SnapshotError::Io { file: self.target.display().to_string(), source }
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        // Gone already where the file was renamed.
        remove(&self.path);
    }
}

/// Removes an unfinished file with what belongs to it.
fn remove(path: &Path) {
    let _ = fs::remove_dir_all(with_suffix(path, SCRATCH));
    let _ = fs::remove_file(with_suffix(path, "-journal"));
    let _ = fs::remove_file(path);
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Removes unfinished files that nobody holds.
fn sweep(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if let Some(file) = name.strip_suffix(SCRATCH).filter(|n| n.starts_with(PREFIX) && n.ends_with(SUFFIX))
            && !folder.join(file).exists()
        {
            // Its run was killed after the file had its name, or none.
            let _ = fs::remove_dir_all(entry.path());
        }
        let ours = name.starts_with(PREFIX) && name.ends_with(SUFFIX);
        if ours
            && let Ok(file) = File::open(entry.path())
            && file.try_lock().is_ok()
        {
            remove(&entry.path());
        }
    }
}
