// Command gsqlcheck has Google's own analyzer, that of BigQuery's dialect, look at statements.
//
// It reads {"tables": {"dataset.table": {"column": "TYPE"}}, "statements": ["…"]} from its standard input, and writes
// what is wrong with each statement, empty for nothing, as a list. A table's name may have any number of parts.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"

	sql "github.com/goccy/go-googlesql"
)

type asked struct {
	Tables     map[string]map[string]string `json:"tables"`
	Statements []string                     `json:"statements"`
}

func must[T any](value T, err error) T {
	done(err)
	return value
}

func done(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// language is what BigQuery takes of all that the analyzer knows.
func language() *sql.LanguageOptions {
	made := must(sql.NewLanguageOptions())
	done(made.EnableMaximumLanguageFeatures())
	done(made.SetProductMode(sql.ProductModeProductExternal))
	done(made.SetSupportsAllStatementKinds())
	done(made.DisableLanguageFeature(sql.LanguageFeatureFeatureInsertOnConflictClause))
	done(made.EnableLanguageFeature(sql.LanguageFeatureFeatureAlterColumnSetDataType))
	return made
}

func kind(types *sql.TypeFactory, name string) sql.Googlesql_TypeNode {
	switch base, _, _ := strings.Cut(name, "("); base {
	case "INT64":
		return must(types.GetInt64())
	case "FLOAT64":
		return must(types.GetDouble())
	case "BOOL":
		return must(types.GetBool())
	case "TIMESTAMP":
		return must(types.GetTimestamp())
	case "DATE":
		return must(types.GetDate())
	case "NUMERIC":
		return must(types.GetNumeric())
	case "BIGNUMERIC":
		return must(types.GetBignumeric())
	case "BYTES":
		return must(types.GetBytes())
	case "JSON":
		return must(types.GetJson())
	case "STRING":
		return must(types.GetString())
	}
	panic("no type " + name)
}

func add(catalog *sql.SimpleCatalog, types *sql.TypeFactory, name string, columns map[string]string) {
	table := must(sql.NewSimpleTable(name, 0))
	put := func(column, is string, pseudo bool) {
		made := must(sql.NewSimpleColumn(name, column, kind(types, is), pseudo, !pseudo))
		done(table.AddColumn2(made, false))
	}
	for column, is := range columns {
		put(column, is, false)
	}
	put("_PARTITIONTIME", "TIMESTAMP", true) // of a table that is partitioned by when rows arrived
	put("_PARTITIONDATE", "DATE", true)
	done(catalog.AddTable(table))
}

// place is the catalog of a project, a dataset or what lies in one, made when it is first asked for.
func place(known map[string]*sql.SimpleCatalog, parts []string) *sql.SimpleCatalog {
	path := strings.Join(parts, ".")
	if known[path] == nil {
		last := len(parts) - 1
		known[path] = must(place(known, parts[:last]).MakeOwnedSimpleCatalog(parts[last]))
	}
	return known[path]
}

func main() {
	var given asked
	done(json.NewDecoder(os.Stdin).Decode(&given))
	done(sql.Init())
	types, spoken := must(sql.NewTypeFactory()), language()
	catalog := must(sql.NewSimpleCatalog("project", nil))
	done(catalog.AddBuiltinFunctionsAndTypes(&sql.BuiltinFunctionOptions{LanguageOptions: spoken}))
	places := map[string]*sql.SimpleCatalog{"": catalog}
	for name, columns := range given.Tables {
		parts := strings.Split(name, ".")
		last := len(parts) - 1
		add(place(places, parts[:last]), types, parts[last], columns)
	}
	options := must(sql.NewAnalyzerOptions2())
	done(options.SetLanguage(spoken))
	found := make([]string, len(given.Statements))
	for at, statement := range given.Statements {
		if _, err := sql.AnalyzeStatement(statement, options, catalog, types); err != nil {
			found[at] = err.Error()
		}
	}
	done(json.NewEncoder(os.Stdout).Encode(found))
}
