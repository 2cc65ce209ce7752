package io.tproc.bench;

import de.erichseifert.vectorgraphics2d.VectorGraphics2D;
import de.erichseifert.vectorgraphics2d.svg.SVGProcessor;
import de.erichseifert.vectorgraphics2d.util.PageSize;
import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Font;
import java.awt.geom.Ellipse2D;
import java.awt.geom.Rectangle2D;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.text.NumberFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.function.Function;
import java.util.stream.DoubleStream;
import org.jfree.chart.JFreeChart;
import org.jfree.chart.axis.CategoryAxis;
import org.jfree.chart.axis.LogAxis;
import org.jfree.chart.axis.NumberAxis;
import org.jfree.chart.axis.NumberTickUnit;
import org.jfree.chart.axis.ValueAxis;
import org.jfree.chart.plot.CategoryPlot;
import org.jfree.chart.plot.Plot;
import org.jfree.chart.plot.XYPlot;
import org.jfree.chart.renderer.category.BarRenderer;
import org.jfree.chart.renderer.category.StandardBarPainter;
import org.jfree.chart.renderer.xy.XYLineAndShapeRenderer;
import org.jfree.chart.text.TextUtils;
import org.jfree.chart.ui.RectangleEdge;
import org.jfree.data.category.DefaultCategoryDataset;
import org.jfree.data.xy.XYSeries;
import org.jfree.data.xy.XYSeriesCollection;

/**
 * Draws figures as SVG, on a light ground of their own, so that they are legible on a dark page.
 */
final class Plots {
  private static final int WIDTH = 860;
  private static final int HEIGHT = 480;
  private static final int MARK = 6;
  private static final int MANY = 1024;
  private static final int FEWER = 4;
  private static final Font SMALL = new Font(Font.SANS_SERIF, Font.PLAIN, 13);
  private static final Font LARGE = new Font(Font.SANS_SERIF, Font.BOLD, 16);
  private static final Color GRID = new Color(0xD0D0D0);

  /** Told apart by those, too, who see few colours. */
  private static final Color[] COLOURS = {
    new Color(0x0072B2),
    new Color(0xD55E00),
    new Color(0x009E73),
    new Color(0xCC79A7),
    new Color(0x7F6A00),
    new Color(0x444444)
  };

  private Plots() {}

  /** Curves over x, both logarithmic. */
  static void curves(
      Path file, String title, String xTitle, String yTitle, List<Results.Line> points)
      throws IOException {
    Map<String, XYSeries> series = new LinkedHashMap<>();
    for (Results.Line point : points) {
      if (point.figure != null) {
        series.computeIfAbsent(point.what, XYSeries::new).add(point.x, point.figure.median());
      }
    }
    XYSeriesCollection data = new XYSeriesCollection();
    series.values().forEach(data::addSeries);
    XYLineAndShapeRenderer renderer = new XYLineAndShapeRenderer();
    for (int i = 0; i < series.size(); i++) {
      renderer.setSeriesPaint(i, COLOURS[i % COLOURS.length]);
      renderer.setSeriesStroke(i, new BasicStroke(2));
      renderer.setSeriesShape(i, new Ellipse2D.Double(-MARK / 2.0, -MARK / 2.0, MARK, MARK));
    }
    XYPlot plot = new XYPlot(data, powersOfTwo(xTitle, points), decades(yTitle), renderer);
    plot.setDomainGridlinePaint(GRID);
    plot.setRangeGridlinePaint(GRID);
    write(file, title, plot);
  }

  /** Bars: for each series a value of each name. */
  static void bars(
      Path file,
      String title,
      String yTitle,
      List<String> names,
      Map<String, List<Double>> values,
      boolean isLogarithmic)
      throws IOException {
    DefaultCategoryDataset data = new DefaultCategoryDataset();
    values.forEach(
        (series, all) -> {
          for (int i = 0; i < names.size(); i++) {
            data.addValue(all.get(i), series, names.get(i));
          }
        });
    BarRenderer renderer = new BarRenderer();
    renderer.setBarPainter(new StandardBarPainter());
    renderer.setShadowVisible(false);
    for (int i = 0; i < values.size(); i++) {
      renderer.setSeriesPaint(i, COLOURS[i % COLOURS.length]);
    }
    CategoryAxis axis = new CategoryAxis();
    axis.setTickLabelFont(SMALL);
    ValueAxis heights = isLogarithmic ? decades(yTitle) : linear(yTitle);
    if (isLogarithmic) {
      double least = extreme(values, DoubleStream::min) / 2;
      renderer.setBase(least);
      heights.setRange(least, extreme(values, DoubleStream::max) * 2);
    }
    CategoryPlot plot = new CategoryPlot(data, axis, heights, renderer);
    plot.setRangeGridlinePaint(GRID);
    write(file, title, plot);
  }

  private static double extreme(
      Map<String, List<Double>> values, Function<DoubleStream, OptionalDouble> which) {
    return which
        .apply(values.values().stream().flatMap(List::stream).mapToDouble(value -> value))
        .orElse(1);
  }

  private static ValueAxis linear(String title) {
    NumberAxis axis = new NumberAxis(title);
    axis.setLabelFont(SMALL);
    axis.setTickLabelFont(SMALL);
    return axis;
  }

  private static ValueAxis decades(String title) {
    return logarithmic(title, 10, 1);
  }

  /** Each, or every fourth of many. */
  private static ValueAxis powersOfTwo(String title, List<Results.Line> points) {
    double most = points.stream().mapToDouble(point -> point.x).max().orElse(1);
    return logarithmic(title, 2, most > MANY ? FEWER : 1);
  }

  /** A mark at each so-manyth power of a base. */
  private static ValueAxis logarithmic(String title, int base, int step) {
    LogAxis axis = new LogAxis(title);
    axis.setBase(base);
    axis.setTickUnit(new NumberTickUnit(step));
    axis.setNumberFormatOverride(NumberFormat.getInstance(Locale.ROOT));
    axis.setLabelFont(SMALL);
    axis.setTickLabelFont(SMALL);
    return axis;
  }

  private static void write(Path file, String title, Plot plot) throws IOException {
    plot.setBackgroundPaint(Color.WHITE);
    plot.setOutlineVisible(false);
    JFreeChart chart = new JFreeChart(title, LARGE, plot, true);
    chart.setBackgroundPaint(Color.WHITE);
    chart.getLegend().setItemFont(SMALL);
    chart.getLegend().setPosition(RectangleEdge.BOTTOM);
    TextUtils.setUseDrawRotatedStringWorkaround(false); // or text becomes outlines
    VectorGraphics2D graphics = new VectorGraphics2D();
    chart.draw(graphics, new Rectangle2D.Double(0, 0, WIDTH, HEIGHT));
    try (OutputStream out = Files.newOutputStream(file)) {
      new SVGProcessor()
          .getDocument(graphics.getCommands(), new PageSize(0, 0, WIDTH, HEIGHT))
          .writeTo(out);
    }
  }
}
