//! Whole stores as text, to be kept in the repository: one line a row, as the first version of the
//! schema had it. What is written here was written by the product, never by hand.

use std::path::Path;

use rusqlite::Connection;
use rusqlite::types::ValueRef;
use serde_json::{Map, Value};

/// The schema that the histories were recorded under.
const SCHEMA: &str = include_str!("../golden/schema-1.sql");
const TABLES: [&str; 4] = ["apps", "releases", "rollouts", "records"];

/// A store's file as text.
pub(crate) fn dump(database: &Path) -> String {
    let connection = Connection::open(database).unwrap();
    let mut lines = String::new();
    for table in TABLES {
        let mut query =
            connection.prepare(&format!("SELECT * FROM {table} ORDER BY rowid")).unwrap();
        let columns: Vec<String> = query.column_names().map(str::to_owned).collect();
        let mut rows = query.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let mut fields = Map::new();
            fields.insert("table".to_owned(), table.into());
            for (index, column) in columns.iter().enumerate() {
                let value = match row.get_ref(index).unwrap() {
                    ValueRef::Null => Value::Null,
                    ValueRef::Integer(number) => number.into(),
                    ValueRef::Text(text) => std::str::from_utf8(text).unwrap().into(),
                    ValueRef::Real(_) | ValueRef::Blob(_) => panic!("no such column"),
                };
                fields.insert(column.clone(), value);
            }
            lines.push_str(&Value::Object(fields).to_string());
            lines.push('\n');
        }
    }
    lines
}

/// Text as a store's file, as the first version would have left it. Only records that `wanted` takes,
/// by rollout and place.
pub(crate) fn import(text: &str, database: &Path, wanted: impl Fn(u64, u64) -> bool) {
    std::fs::create_dir_all(database.parent().unwrap()).unwrap();
    let connection = Connection::open(database).unwrap();
    connection.execute_batch(SCHEMA).unwrap();
    let number = |row: &Map<String, Value>, field: &str| row[field].as_u64().unwrap();
    for line in text.lines() {
        let mut row: Map<String, Value> = serde_json::from_str(line).unwrap();
        let table = row.remove("table").unwrap();
        if table == "records" && !wanted(number(&row, "rollout"), number(&row, "seq")) {
            continue;
        }
        if table == "rollouts" && !wanted(number(&row, "number"), 1) {
            continue;
        }
        let names: Vec<&str> = row.keys().map(String::as_str).collect();
        let marks = vec!["?"; names.len()].join(", ");
        let table = table.as_str().unwrap();
        let sql = format!("INSERT INTO {table} ({}) VALUES ({marks})", names.join(", "));
        let values = row.values().map(|value| match value {
            Value::Null => rusqlite::types::Value::Null,
            Value::Number(number) => number.as_i64().unwrap().into(),
            Value::String(text) => text.clone().into(),
            Value::Bool(_) | Value::Array(_) | Value::Object(_) => panic!("no such column"),
        });
        connection.execute(&sql, rusqlite::params_from_iter(values)).unwrap();
    }
}
