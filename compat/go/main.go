// A round with iceberg-go: one line of JSON for each job. Standard input is a JSON object: the properties of the catalog.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"sort"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/iceberg-go"
	"github.com/apache/iceberg-go/catalog/rest"
	_ "github.com/apache/iceberg-go/io/gocloud/s3"
	"github.com/apache/iceberg-go/table"
	"github.com/apache/iceberg-go/view"
)

var (
	ctx    = context.Background()
	items  = table.Identifier{"core", "items"}
	things = table.Identifier{"core", "things"}
	schema = iceberg.NewSchema(0,
		iceberg.NestedField{ID: 1, Name: "id", Type: iceberg.PrimitiveTypes.Int64},
		iceberg.NestedField{ID: 2, Name: "label", Type: iceberg.PrimitiveTypes.String})
)

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func must[T any](value T, err error) T {
	check(err)
	return value
}

func done(job string, rows [][]string) {
	if rows == nil {
		rows = [][]string{}
	}
	fmt.Println(string(must(json.Marshal(map[string]any{"job": job, "rows": rows}))))
}

// arrowTable holds the rows, whose columns are those of the table.
func arrowTable(of *table.Table, rows string) arrow.Table {
	fields := must(table.SchemaToArrowSchema(of.Schema(), nil, false, false))
	return must(array.TableFromJSON(memory.DefaultAllocator, fields, []string{rows}))
}

func read(of *table.Table, ref string) [][]string {
	scan := must(of.Scan().UseRef(ref))
	found := must(scan.ToArrowTable(ctx))
	defer found.Release()
	rows := [][]string{}
	reader := array.NewTableReader(found, -1)
	defer reader.Release()
	for reader.Next() {
		batch := reader.RecordBatch()
		for at := 0; at < int(batch.NumRows()); at++ {
			row := []string{}
			for column := 0; column < int(batch.NumCols()); column++ {
				value := batch.Column(column)
				if value.IsNull(at) {
					row = append(row, "∅")
				} else {
					row = append(row, value.ValueStr(at))
				}
			}
			rows = append(rows, row)
		}
	}
	sort.Slice(rows, func(a, b int) bool { return rows[a][0] < rows[b][0] })
	return rows
}

func ref(catalog *rest.Catalog, of *table.Table, name string, kind table.RefType) *table.Table {
	update := table.NewSetSnapshotRefUpdate(name, of.CurrentSnapshot().SnapshotID, kind, 0, 0, 0)
	reqs := []table.Requirement{table.AssertTableUUID(of.Metadata().TableUUID()), table.AssertRefSnapshotID(name, nil)}
	_, _, err := catalog.CommitTable(ctx, of.Identifier(), reqs, []table.Update{update})
	check(err)
	return must(catalog.LoadTable(ctx, of.Identifier()))
}

func main() {
	var config map[string]string
	check(json.NewDecoder(os.Stdin).Decode(&config))
	tokens := must(url.Parse(config["oauth2-server-uri"]))
	catalog := must(rest.NewCatalog(ctx, "icefield", config["uri"],
		rest.WithCredential(config["credential"]), rest.WithAuthURI(tokens), rest.WithWarehouseLocation(config["warehouse"])))

	check(catalog.CreateNamespace(ctx, table.Identifier{"core"}, nil))
	t := must(catalog.CreateTable(ctx, items, schema))
	done("create", nil)

	t = must(t.AppendTable(ctx, arrowTable(t,
		`[{"id":1,"label":"one"},{"id":2,"label":"two"},{"id":3,"label":"three"}]`), 10, nil))
	done("write", read(t, "main"))

	t = ref(catalog, t, "first", table.TagRef)
	done("tag", nil)

	change := t.NewTransaction()
	check(change.UpdateSchema(true, false).
		AddColumn([]string{"weight"}, iceberg.PrimitiveTypes.Float64, "", false, nil).
		RenameColumn([]string{"label"}, "title").
		Commit())
	t = must(change.Commit(ctx))
	t = must(t.AppendTable(ctx, arrowTable(t, `[{"id":4,"title":"four","weight":0.25}]`), 10, nil))
	done("evolve", read(t, "main"))

	t = ref(catalog, t, "audit", table.BranchRef)
	done("branch", nil)

	change = t.NewTransactionOnBranch("audit")
	check(change.AppendTable(ctx, arrowTable(t, `[{"id":5,"title":"five","weight":0.5}]`), 10, nil))
	t = must(change.Commit(ctx))
	done("write to branch", read(t, "audit"))
	done("time travel", read(t, "first"))

	t = must(catalog.RenameTable(ctx, items, things))
	done("rename", read(t, "main"))

	sql := "SELECT id FROM things WHERE id > 2"
	version := must(view.NewVersion(1, 0, []view.Representation{view.NewRepresentation(sql, "spark")}, table.Identifier{"core"}))
	ids := iceberg.NewSchema(0, iceberg.NestedField{ID: 1, Name: "id", Type: iceberg.PrimitiveTypes.Int64})
	_, err := catalog.CreateView(ctx, table.Identifier{"core", "ids"}, version, ids)
	check(err)
	stored := must(catalog.LoadView(ctx, table.Identifier{"core", "ids"}))
	done("view", [][]string{{stored.Metadata().CurrentVersion().Representations[0].Sql}})

	t = must(t.Delete(ctx, iceberg.EqualTo(iceberg.Reference("id"), int64(2)), nil))
	done("delete rows", read(t, "main"))

	_, err = catalog.CreateTable(ctx, table.Identifier{"core", "people"},
		iceberg.NewSchema(0, iceberg.NestedField{ID: 1, Name: "email", Type: iceberg.PrimitiveTypes.String}))
	if err == nil {
		panic("core.people was not refused")
	}
	done("read a refusal", [][]string{{strings.TrimSpace(err.Error())}})

	gone := must(catalog.CreateTable(ctx, table.Identifier{"core", "gone"}, schema))
	must(gone.AppendTable(ctx, arrowTable(gone, `[{"id":1,"label":"one"}]`), 10, nil))
	check(catalog.PurgeTable(ctx, table.Identifier{"core", "gone"}))
	done("drop with purge", nil)
}
