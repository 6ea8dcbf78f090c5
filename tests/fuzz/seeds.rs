//! Small inputs of every form, from which fuzzing starts. All of them are read to their end.

use std::io::Write as _;

const POSTGRES: &str = "--\n-- PostgreSQL database dump\n--\n\n\\restrict k3y\nSET client_encoding = 'UTF8';\nSET standard_conforming_strings = on;\n\
    CREATE FUNCTION f() RETURNS void LANGUAGE sql AS $_$ COPY x FROM stdin; $_$;\n\
    CREATE TABLE public.t (id bigint NOT NULL, a text DEFAULT 'x'::text, b bytea, c boolean, n numeric(10,2), g int GENERATED ALWAYS AS (1) STORED);\n\
    COPY public.t (id, a, b, c, n) FROM stdin;\n1\tit's \\t\\\\\t\\\\x00ff\tt\t1.10\n2\t\\N\t\\N\tf\t\\N\n3\t\u{e9}\\101\\x41\t\\\\x\tt\t007\n\\.\n\n\
    INSERT INTO public.t VALUES (4, 'it''s', '\\x00', true, -1.5e3, DEFAULT),\n\t(5, E'\\n\\u00e9', NULL, false, 'NaN', DEFAULT);\n\
    CREATE TABLE public.empty ();\nCOPY public.empty  FROM stdin;\n\n\n\\.\nALTER TABLE ONLY public.t ADD CONSTRAINT k PRIMARY KEY (id);\n\
    CREATE UNIQUE INDEX i ON public.t USING btree (lower(a));\nALTER TABLE ONLY public.t ADD CONSTRAINT f FOREIGN KEY (id) REFERENCES public.t(id) ON DELETE CASCADE;\n\
    CREATE TRIGGER tr BEFORE DELETE ON public.t FOR EACH ROW EXECUTE FUNCTION f();\n\\unrestrict k3y\n--\n-- PostgreSQL database dump complete\n--\n";

const MYSQL: &str = "/*M!999999\\- enable the sandbox mode */ \n-- MySQL dump 10.13  Distrib 8.0\n--\n-- Host: h    Database: d\n/*!40101 SET NAMES utf8mb4 */;\n\
    /*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='NO_AUTO_VALUE_ON_ZERO' */;\nDROP TABLE IF EXISTS `t`;\nCREATE TABLE `t` (`id` int(11) NOT NULL AUTO_INCREMENT,\n\
    `a` varchar(20) DEFAULT 'x' COMMENT 'a;b', `r` varbinary(9), `b` bit(3), `e` enum('a','b''c'), PRIMARY KEY (`id`), KEY `k` (`a`(5))) ENGINE=InnoDB;\n\
    LOCK TABLES `t` WRITE;\n/*!40000 ALTER TABLE `t` DISABLE KEYS */;\nINSERT INTO `t` VALUES (1,'it\\'s \\\\ \\n\\0',_binary 'a\\'b',b'101','a'),(2,NULL,0xABCD,b'0','b\\'c');\n\
    INSERT INTO `t` (`id`, `a`) VALUES (3,\"q\"),(-4,'');\nUNLOCK TABLES;\nDELIMITER ;;\nCREATE TRIGGER tr BEFORE DELETE ON `t` FOR EACH ROW BEGIN SET @a = 1; END;;\nDELIMITER ;\n\
    /*!50001 CREATE VIEW `v` AS SELECT 1 */;\n/*!40101 SET SQL_MODE=@OLD_SQL_MODE */;\n-- Dump completed on 2026-01-01  0:00:00\n";

const SQLITE: &str = "PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\nCREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, [b c] BLOB);\nINSERT INTO t VALUES(1,'it''s',X'00ff');\n\
    INSERT INTO t VALUES(2,replace('a\\nb','\\n',char(10)),1e999);\nINSERT INTO t VALUES(3,unistr('x\\u000ay'),-1.5);\nDELETE FROM sqlite_sequence;\n\
    CREATE TRIGGER tr AFTER DELETE ON t BEGIN SELECT 1; SELECT 2; END;\nCREATE INDEX i ON t(a);\nCOMMIT;\n";

const CSVS: &[&str] = &[
    "id,name,note\n1,Ann,\"a, \"\"b\"\"\nc\"\n2,,\"\"\n",
    "\u{feff}id;name\r\n1;Jos\u{e9}\r\n2;\r\n",
    "1\tx\\ty\t\\N\n2\t\\\\\t\n",
    "sep=|\nid|name\n1|a\n",
    "\"id\",\"name\"\n\"1\",NULL\n\"2\",\"Ann\"\n",
    "id,a\r1,2\r3,4\r",
];

const JSON: &[&str] =
    &["{\"id\": 1, \"a\": \"x\\n\\u00e9\", \"b\": [1, {\"c\": \"]\"}], \"d\": null}\n{\"id\": 2.50, \"e\": true}\n", "{\"a\":\"\"}"];

/// Returns the inputs that a target starts from.
pub fn of(target: &str) -> Vec<Vec<u8>> {
    let texts = |texts: &[&str]| texts.iter().map(|t| t.as_bytes().to_vec()).collect::<Vec<_>>();
    match target {
        "pg-plain" => texts(&[POSTGRES]),
        "mysql" => texts(&[MYSQL]),
        "sqlite-text" => texts(&[SQLITE]),
        "csv" => {
            let mut seeds = texts(CSVS);
            seeds.push([0xff, 0xfe].into_iter().chain("id\ta\r\n1\t\u{1f600}\r\n".encode_utf16().flat_map(u16::to_le_bytes)).collect());
            seeds
        }
        "json-lines" => texts(JSON),
        "parquet" => {
            let folder = tempfile::tempdir().expect("a folder");
            let at = folder.path().join("t.parquet");
            [(7, parquet::basic::Compression::UNCOMPRESSED), (40, parquet::basic::Compression::SNAPPY)]
                .map(|(rows, compression)| {
                    crate::parquet_files::write(&at, rows, compression);
                    std::fs::read(&at).expect("a file")
                })
                .to_vec()
        }
        "sqlite" => vec![sqlite_file()],
        "pg-archive" => {
            [(12, None), (14, Some(6)), (15, Some(1)), (16, Some(3)), (16, Some(2)), (15, None)].map(|(v, p)| archive(v, p)).to_vec()
        }
        "wrappers" => wrapped(CSVS[0].as_bytes()),
        "archives" => vec![
            zip(&[("a/users.csv", CSVS[0]), ("schema.sql", "CREATE TABLE users (id int, name text, note text);\n")]),
            tar(&[("./users.csv", CSVS[0]), ("._x", "junk")]),
        ],
        "folders" => folders(),
        other => panic!("no target {other}"),
    }
}

fn wrapped(text: &[u8]) -> Vec<Vec<u8>> {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(text).expect("gzip");
    let mut xz = liblzma::write::XzEncoder::new(Vec::new(), 1);
    xz.write_all(text).expect("xz");
    let mut bzip2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::default());
    bzip2.write_all(text).expect("bzip2");
    let mut lz4 = lz4_flex::frame::FrameEncoder::new(Vec::new());
    lz4.write_all(text).expect("lz4");
    vec![
        gzip.finish().expect("gzip"),
        zstd::bulk::compress(text, 3).expect("zstd"),
        xz.finish().expect("xz"),
        bzip2.finish().expect("bzip2"),
        lz4.finish().expect("lz4"),
    ]
}

fn sqlite_file() -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("seed.db");
    let db = rusqlite::Connection::open(&path).expect("a database");
    db.execute_batch(
        "PRAGMA page_size = 512; CREATE TABLE t (id INTEGER PRIMARY KEY, a, b TEXT); INSERT INTO t VALUES (1, 1.5, 'x'), (2, x'00', NULL), (3, 9e999, zeroblob(2000)); \
         CREATE TABLE w (a TEXT PRIMARY KEY, b) WITHOUT ROWID; INSERT INTO w VALUES ('k', 1); CREATE INDEX i ON t (b);",
    )
    .expect("tables");
    drop(db);
    std::fs::read(path).expect("a file")
}

/// An entry of an archive: number, whether it has data, tag, kind, section, definition, COPY statement.
type Entry = (i32, i32, &'static str, &'static str, i32, &'static str, Option<&'static str>);

/// Builds a custom archive by hand, as `pg_backup_custom.c` of each version writes it; `packing` is the
/// level up to 1.14, the algorithm from 1.15.
pub fn archive(minor: u8, packing: Option<u8>) -> Vec<u8> {
    let mut out = b"PGDMP".to_vec();
    out.extend_from_slice(&[1, minor, 0, 4, 8, 1]);
    let int = |out: &mut Vec<u8>, n: i32| {
        out.push(u8::from(n < 0));
        out.extend_from_slice(&n.unsigned_abs().to_le_bytes());
    };
    let text = |out: &mut Vec<u8>, t: Option<&str>| match t {
        Some(t) => {
            out.push(0);
            out.extend_from_slice(&(t.len() as u32).to_le_bytes());
            out.extend_from_slice(t.as_bytes());
        }
        None => out.extend_from_slice(&[1, 1, 0, 0, 0]),
    };
    if minor >= 15 {
        out.push(packing.unwrap_or(0));
    } else {
        int(&mut out, i32::from(packing.unwrap_or(0)));
    }
    for n in [1, 2, 3, 4, 5, 126, 0] {
        int(&mut out, n);
    }
    for t in ["shop", "17.1", "17.1"] {
        text(&mut out, Some(t));
    }
    let entries: [Entry; 4] = [
        (1, 0, "ENCODING", "ENCODING", 2, "SET client_encoding = 'UTF8';\n", None),
        (2, 0, "t", "TABLE", 2, "CREATE TABLE public.t (\n    id integer NOT NULL,\n    a text\n);\n", None),
        (3, 1, "t", "TABLE DATA", 3, "", Some("COPY public.t (id, a) FROM stdin;\n")),
        (4, 0, "t t_pkey", "CONSTRAINT", 4, "ALTER TABLE ONLY public.t ADD CONSTRAINT t_pkey PRIMARY KEY (id);\n", None),
    ];
    int(&mut out, entries.len() as i32);
    for (id, dumper, tag, desc, section, definition, copy) in entries {
        int(&mut out, id);
        int(&mut out, dumper);
        for t in ["0", "0", tag, desc] {
            text(&mut out, Some(t));
        }
        int(&mut out, section);
        text(&mut out, Some(definition));
        text(&mut out, Some(""));
        text(&mut out, copy);
        text(&mut out, Some("public"));
        text(&mut out, Some(""));
        if minor >= 14 {
            text(&mut out, Some("heap"));
        }
        if minor >= 16 {
            int(&mut out, 114);
        }
        text(&mut out, Some("ana"));
        text(&mut out, Some("false"));
        text(&mut out, Some("1"));
        text(&mut out, None);
        // No offset is known, or there is no data.
        out.push(if dumper == 1 { 1 } else { 3 });
        out.extend_from_slice(&[0; 8]);
    }
    let rows = b"1\tx\\ty\n2\t\\N\n\\.\n\n\n";
    let data = match (minor, packing) {
        (_, None) => rows.to_vec(),
        (15.., Some(2)) => {
            let mut lz4 = lz4_flex::frame::FrameEncoder::new(Vec::new());
            lz4.write_all(rows).expect("lz4");
            lz4.finish().expect("lz4")
        }
        (15.., Some(3)) => zstd::bulk::compress(rows, 3).expect("zstd"),
        _ => {
            let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
            zlib.write_all(rows).expect("zlib");
            zlib.finish().expect("zlib")
        }
    };
    out.push(1);
    int(&mut out, 3);
    for piece in data.chunks(10) {
        int(&mut out, piece.len() as i32);
        out.extend_from_slice(piece);
    }
    int(&mut out, 0);
    out
}

/// Builds a zip of stored members.
fn zip(files: &[(&str, &str)]) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for (name, text) in files {
        let mut crc = flate2::Crc::new();
        crc.update(text.as_bytes());
        let mut common = vec![20, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        common.extend_from_slice(&crc.sum().to_le_bytes());
        common.extend_from_slice(&(text.len() as u32).to_le_bytes());
        common.extend_from_slice(&(text.len() as u32).to_le_bytes());
        common.extend_from_slice(&(name.len() as u16).to_le_bytes());
        common.extend_from_slice(&[0, 0]);
        directory.extend_from_slice(b"PK\x01\x02\x14\0");
        directory.extend_from_slice(&common);
        directory.extend_from_slice(&[0; 10]);
        directory.extend_from_slice(&(out.len() as u32).to_le_bytes());
        directory.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b"PK\x03\x04");
        out.extend_from_slice(&common);
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(text.as_bytes());
    }
    let start = out.len() as u32;
    out.extend_from_slice(&directory);
    out.extend_from_slice(b"PK\x05\x06\0\0\0\0");
    for _ in 0..2 {
        out.extend_from_slice(&(files.len() as u16).to_le_bytes());
    }
    out.extend_from_slice(&(directory.len() as u32).to_le_bytes());
    out.extend_from_slice(&start.to_le_bytes());
    out.extend_from_slice(&[0, 0]);
    out
}

/// Builds a tar.
fn tar(files: &[(&str, &str)]) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, text) in files {
        let mut header = [0_u8; 512];
        header[..name.len()].copy_from_slice(name.as_bytes());
        header[124..135].copy_from_slice(format!("{:011o}", text.len()).as_bytes());
        header[156] = b'0';
        header[257..265].copy_from_slice(b"ustar\x0000");
        header[148..156].fill(b' ');
        let sum: u32 = header.iter().map(|b| u32::from(*b)).sum();
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        out.extend_from_slice(&header);
        out.extend_from_slice(text.as_bytes());
        out.resize(out.len().next_multiple_of(512), 0);
    }
    out.resize(out.len() + 1024, 0);
    out
}

/// Folders of tools, as tars.
fn folders() -> Vec<Vec<u8>> {
    let ddl = "-- MySQL dump 10.13\nCREATE TABLE `t` (`id` int, `a` text, `b` blob) ENGINE=InnoDB;\n-- Dump completed\n";
    vec![
        tar(&[("t.sql", ddl), ("t.txt", "1\ta\\tb\t\\N\n2\t\\N\tx\n")]),
        tar(&[
            ("m/metadata", "# Started dump at: x\n# Finished dump at: y\n"),
            ("m/d-schema-create.sql", "CREATE DATABASE `d`;\n"),
            ("m/d.t-schema.sql", "/*!40101 SET NAMES binary*/;\nCREATE TABLE `t` (`id` int, `a` text) ENGINE=InnoDB;\n"),
            ("m/d.t.00000.sql", "/*!40101 SET NAMES binary*/;\nINSERT INTO `t` VALUES(1,\"x\")\n,(2,NULL);\n"),
        ]),
        tar(&[
            ("l/metadata", "# Started dump at: x\n# Finished dump at: y\n"),
            ("l/d.t-schema.sql", "CREATE TABLE `t` (`id` int, `a` text, `b` blob) ENGINE=InnoDB;\n"),
            (
                "l/d.t.00000.sql",
                "/*!40101 SET NAMES binary*/;\nLOAD DATA LOCAL INFILE 'd.t.00000.dat' INTO TABLE `t` CHARACTER SET binary \
                 FIELDS TERMINATED BY ',' ENCLOSED BY '\"' ESCAPED BY '\\\\' LINES STARTING BY '' TERMINATED BY '\\n' IGNORE 1 LINES \
                 (`id`,@a,@b)SET `a`=CONVERT(@a USING UTF8MB4),`b`=UNHEX(@b);\n",
            ),
            ("l/d.t.00000.dat", "\"id\",\"a\",\"b\"\n1,\"x\\\",y\",\"00FF\"\n2,\\N,\\N\n"),
        ]),
        tar(&[
            ("s/@.json", "{}"),
            ("s/@.done.json", "{}"),
            ("s/d.sql", "-- MySQLShell dump\nCREATE DATABASE `d`;\n"),
            ("s/d@t.sql", "-- MySQLShell dump\nCREATE TABLE `t` (`id` int, `b` blob) ENGINE=InnoDB;\n"),
            (
                "s/d@t.json",
                "{\"options\":{\"schema\":\"d\",\"table\":\"t\",\"columns\":[\"id\",\"b\"],\"decodeColumns\":{\"b\":\"FROM_BASE64\"}}}",
            ),
            ("s/d@t@@0.tsv", "1\tAAE=\n2\t\\N\n"),
        ]),
    ]
}
