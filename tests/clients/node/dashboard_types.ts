// The types of Grafana that a dashboard's JSON has to fit.
import type { Options as BarGauge } from "@grafana/schema/dist/types/raw/composable/bargauge/panelcfg/x/types.gen";
import type { Options as Stat } from "@grafana/schema/dist/types/raw/composable/stat/panelcfg/x/types.gen";
import type { FieldConfig as StateTimelineFields, Options as StateTimeline } from "@grafana/schema/dist/types/raw/composable/statetimeline/panelcfg/x/types.gen";
import type { FieldConfig as TableFields, Options as Table } from "@grafana/schema/dist/types/raw/composable/table/panelcfg/x/types.gen";
import type { FieldConfig as TimeSeriesFields, Options as TimeSeries } from "@grafana/schema/dist/types/raw/composable/timeseries/panelcfg/x/types.gen";
import type { PromQuery } from "@grafana/prometheus/dist/types/types";

/// A type as JSON has it: names of enums are texts.
export type Plain<T> = unknown extends T ? T
  : T extends string ? `${T}`
  : T extends number | boolean | null | undefined ? T
  : T extends (infer Item)[] ? Plain<Item>[]
  : T extends object ? { [Key in keyof T]: Plain<T[Key]> }
  : T;

export interface Options {
  bargauge: Plain<BarGauge>;
  stat: Plain<Stat>;
  "state-timeline": Plain<Omit<StateTimeline, "timezone">>;
  table: Plain<Partial<Table>>;
  timeseries: Plain<Omit<TimeSeries, "timezone">>;
}

export interface Fields {
  bargauge: {};
  stat: {};
  "state-timeline": Plain<StateTimelineFields>;
  table: Plain<Partial<TableFields>>;
  timeseries: Plain<TimeSeriesFields>;
}

export type Query = Plain<PromQuery>;
