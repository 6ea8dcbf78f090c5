//! What in a source tree could seed production again: package scripts, steps of pipelines and deployments,
//! the seed programs themselves; each with file, line and a line that makes it refuse. Reads only, follows
//! no link, and changes nothing: what to do about a finding is a person's.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

/// A place that could seed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seeder {
    /// File, relative to the tree.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// The line's text, cut.
    pub text: String,
    /// Why it counts.
    pub what: &'static str,
    /// What to put before it, so that it refuses unless it is allowed.
    pub refuse: &'static str,
}

/// Words of a command that seeds a database.
///
/// Source: manuals of Prisma, Rails, Laravel, Knex, Sequelize, Django, Ecto, Doctrine and Supabase; reset,
/// setup and prepare commands run the seed too.
const COMMANDS: &[&str] = &[
    "prisma db seed",
    "prisma migrate reset",
    "db:seed",
    "db:setup",
    "db:reset",
    "db:prepare",
    "db:fixtures:load",
    "migrate --seed",
    "migrate:fresh --seed",
    "migrate:refresh --seed",
    "seed:run",
    "seed:all",
    "knex seed",
    "manage.py loaddata",
    "manage.py seed",
    "flask seed",
    "ecto.setup",
    "ecto.reset",
    "seeds.exs",
    "doctrine:fixtures:load",
    "supabase db reset",
    "prisma/seed",
    "db/seeds",
    "seeders/",
];

/// Folders that hold other people's code, or what a build made.
const SKIPPED: &[&str] = &[
    ".git",
    "node_modules",
    "vendor",
    "target",
    "dist",
    "build",
    ".next",
    ".nuxt",
    "venv",
    ".venv",
    "__pycache__",
    "tmp",
    "log",
    "coverage",
];

/// Files larger than this are no scripts.
const MOST_BYTES: u64 = 1024 * 1024;
/// Folders within folders.
const MOST_DEPTH: usize = 16;
/// Characters of a line that are shown.
const SHOWN_CHARS: usize = 160;

const IN_SHELL: &str = "test \"$ALLOW_SEED\" = yes || { echo 'seeding is refused here' >&2; exit 1; }";
const IN_PACKAGE: &str = "\"test \\\"$ALLOW_SEED\\\" = yes && ...\" before the script's own command";

/// Finds the places under a folder, or in one file, by file and line.
///
/// # Errors
/// Returns that the path cannot be read; files inside that are no text are left out.
pub fn seeders(root: &Path) -> io::Result<Vec<Seeder>> {
    let mut files = Vec::new();
    if std::fs::metadata(root)?.is_dir() {
        walk(root, "", 0, &mut files)?;
    } else {
        let name = root.file_name().unwrap_or_default().to_string_lossy().into_owned();
        files.push((name, std::fs::read_to_string(root)?));
    }
    // Scripts that seed by their command, and then those that run them by name.
    let mut scripts: BTreeSet<String> = BTreeSet::new();
    loop {
        let before = scripts.len();
        for (_, text) in files.iter().filter(|(name, _)| is_package(name)) {
            let mut more = package_scripts(text);
            more.retain(|(name, command)| seeds(command, &scripts) || named_seed(name));
            scripts.extend(more.into_iter().map(|s| s.0));
        }
        if scripts.len() == before {
            break;
        }
    }
    let mut found = Vec::new();
    for (name, text) in &files {
        if is_package(name) {
            package(name, text, &scripts, &mut found);
        } else if let Some(refuse) = seed_program(name) {
            found.push(Seeder {
                file: name.clone(),
                line: 1,
                text: shown(text.lines().next().unwrap_or_default()),
                what: "a seed program",
                refuse,
            });
        } else if is_pipeline(name) {
            for (at, line) in text.lines().enumerate().filter(|(_, l)| !is_comment(l) && seeds(l, &scripts)) {
                found.push(Seeder {
                    file: name.clone(),
                    line: at + 1,
                    text: shown(line),
                    what: "a step that runs a seed",
                    refuse: IN_SHELL,
                });
            }
        }
    }
    found.sort();
    found.dedup();
    Ok(found)
}

fn walk(folder: &Path, prefix: &str, depth: usize, files: &mut Vec<(String, String)>) -> io::Result<()> {
    if depth > MOST_DEPTH {
        return Ok(());
    }
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let shown = if prefix.is_empty() { name.clone() } else { format!("{prefix}/{name}") };
        let kind = entry.file_type()?;
        if kind.is_dir() && !SKIPPED.contains(&name.as_str()) {
            walk(&entry.path(), &shown, depth + 1, files)?;
        } else if kind.is_file()
            && (is_package(&shown) || is_pipeline(&shown) || seed_program(&shown).is_some())
            && entry.metadata()?.len() <= MOST_BYTES
            && let Ok(text) = std::fs::read_to_string(entry.path())
        {
            files.push((shown, text));
        }
    }
    Ok(())
}

fn base(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

fn is_package(name: &str) -> bool {
    matches!(base(name), "package.json" | "composer.json" | "deno.json")
}

/// Says whether a file is one of those that build, test or deploy.
fn is_pipeline(name: &str) -> bool {
    let file = base(name).to_ascii_lowercase();
    let ends = |ends: &[&str]| ends.iter().any(|e| file.ends_with(e));
    let starts = |starts: &[&str]| starts.iter().any(|s| file.starts_with(s));
    let folder = ["deploy", "k8s", "kubernetes", "helm", "charts", ".circleci", ".buildkite", ".woodpecker", ".platform"];
    let inside = name.split('/').any(|part| folder.contains(&part));
    name.contains(".github/workflows/")
        || inside && ends(&[".yml", ".yaml", ".json", ".toml", ".rb"])
        || ends(&[".sh", ".bash", ".mk", "procfile", "makefile", "justfile", "rakefile", "jenkinsfile", "capfile"])
        || starts(&["dockerfile", "docker-compose", "compose.", ".gitlab-ci", "bitbucket-pipelines", "azure-pipelines", "cloudbuild"])
        || matches!(
            file.as_str(),
            "fly.toml"
                | "render.yaml"
                | "railway.json"
                | "railway.toml"
                | "vercel.json"
                | "netlify.toml"
                | "heroku.yml"
                | "app.json"
                | "nixpacks.toml"
                | "taskfile.yml"
        )
}

/// Returns how a seed program refuses, if the file is one.
fn seed_program(name: &str) -> Option<&'static str> {
    let file = base(name).to_ascii_lowercase();
    let (stem, kind) = file.rsplit_once('.')?;
    let folder = name.split('/').rev().nth(1).unwrap_or_default().to_ascii_lowercase();
    let named = matches!(stem, "seed" | "seeds" | "seeder" | "databaseseeder") || matches!(folder.as_str(), "seeds" | "seeders" | "seed");
    if !named {
        return None;
    }
    match kind {
        "js" | "ts" | "mjs" | "cjs" | "mts" => Some(
            "if (process.env.NODE_ENV === 'production' || process.env.ALLOW_SEED !== 'yes') throw new Error('seeding is refused here');",
        ),
        "rb" => Some("abort 'seeding is refused here' if Rails.env.production? || ENV['ALLOW_SEED'] != 'yes'"),
        "php" => Some(
            "if (app()->environment('production') || getenv('ALLOW_SEED') !== 'yes') { throw new \\RuntimeException('seeding is refused here'); }",
        ),
        "py" => Some("import os; assert os.environ.get('ALLOW_SEED') == 'yes', 'seeding is refused here'"),
        "exs" => Some("if System.get_env(\"ALLOW_SEED\") != \"yes\", do: raise(\"seeding is refused here\")"),
        "sql" | "sh" => Some(IN_SHELL),
        _ => None,
    }
}

fn is_comment(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with('#') || line.starts_with("//")
}

/// Says whether a name is that of a script which seeds: `seed`, `db:seed`, `seed-users`.
fn named_seed(name: &str) -> bool {
    name.split(|c: char| !c.is_ascii_alphanumeric())
        .any(|w| matches!(w.to_ascii_lowercase().as_str(), "seed" | "seeds" | "seeder" | "reseed"))
}

/// Says whether a command seeds: by itself, or by a script that does.
fn seeds(command: &str, scripts: &BTreeSet<String>) -> bool {
    let words: Vec<&str> = command.split(|c: char| c.is_whitespace() || "\"'`,;&|()[]".contains(c)).filter(|w| !w.is_empty()).collect();
    let runs =
        |pair: &[&str]| matches!(pair[0], "run" | "npm" | "yarn" | "pnpm" | "bun" | "composer" | "task") && scripts.contains(pair[1]);
    COMMANDS.iter().any(|c| command.contains(c)) || words.windows(2).any(runs)
}

/// Lists the scripts of a package file: name and command.
fn package_scripts(text: &str) -> Vec<(String, String)> {
    let json: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
    let mut found = Vec::new();
    for part in ["scripts", "tasks"] {
        for (name, command) in json[part].as_object().into_iter().flatten() {
            let command = command.as_str().map_or_else(|| command.to_string(), str::to_owned);
            found.push((name.clone(), command));
        }
    }
    found
}

fn package(file: &str, text: &str, scripts: &BTreeSet<String>, found: &mut Vec<Seeder>) {
    let mut add = |key: &str, after: &str, what: &'static str| {
        let quoted = serde_json::to_string(key).unwrap_or_default();
        let start = text.lines().position(|l| l.contains(&format!("\"{after}\""))).unwrap_or(0);
        let at = text.lines().skip(start).position(|l| l.contains(&quoted)).map_or(start, |n| start + n);
        found.push(Seeder {
            file: file.to_owned(),
            line: at + 1,
            text: shown(text.lines().nth(at).unwrap_or_default()),
            what,
            refuse: IN_PACKAGE,
        });
    };
    let json: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
    if json["prisma"]["seed"].is_string() {
        add("seed", "prisma", "prisma.seed, which `prisma db seed` and `prisma migrate reset` run");
    }
    for part in ["scripts", "tasks"] {
        for name in json[part].as_object().into_iter().flatten().map(|s| s.0).filter(|n| scripts.contains(*n)) {
            add(name, part, "a script that seeds");
        }
    }
}

fn shown(line: &str) -> String {
    let line = line.trim();
    let mut out: String = line.chars().take(SHOWN_CHARS).collect();
    if line.chars().count() > SHOWN_CHARS {
        out.push_str("..");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, text) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            std::fs::write(path, text).expect("a file");
        }
        folder
    }

    fn places(files: &[(&str, &str)]) -> Vec<String> {
        let folder = tree(files);
        seeders(folder.path()).expect("a tree").into_iter().map(|s| format!("{}:{}", s.file, s.line)).collect()
    }

    #[test]
    fn scripts_steps_and_programs_are_found() {
        let package = "{\n  \"scripts\": {\n    \"dev\": \"next dev\",\n    \"populate\": \"tsx prisma/seed.ts\",\n    \"deploy\": \"prisma migrate deploy && npm run populate\"\n  },\n  \"prisma\": {\n    \"seed\": \"tsx prisma/seed.ts\"\n  }\n}\n";
        let found = places(&[
            ("package.json", package),
            ("prisma/seed.ts", "main();\n"),
            (".github/workflows/deploy.yml", "steps:\n  - run: npm ci\n  # - run: npm run populate\n  - run: npm run deploy\n"),
            ("Procfile", "release: bundle exec rails db:migrate db:seed\n"),
            ("node_modules/x/package.json", package),
            ("README.md", "run npm run populate"),
        ]);
        assert_eq!(
            found,
            [".github/workflows/deploy.yml:4", "Procfile:1", "package.json:4", "package.json:5", "package.json:8", "prisma/seed.ts:1"]
        );
    }

    #[test]
    fn a_tree_without_seeds_has_no_finding() {
        let package = "{\"scripts\": {\"build\": \"vite build\", \"test\": \"vitest\"}}";
        assert!(places(&[("package.json", package), (".github/workflows/ci.yml", "- run: npm test\n"), ("src/linseed.ts", "")]).is_empty());
    }

    #[test]
    fn broken_files_are_no_panic() {
        assert!(places(&[("package.json", "{"), ("Dockerfile", "\u{0}\u{1}")]).is_empty());
    }
}
