import java.io.FileInputStream;
import java.io.InputStream;
import org.verapdf.gf.foundry.VeraGreenfieldFoundryProvider;
import org.verapdf.pdfa.Foundries;
import org.verapdf.pdfa.PDFAParser;
import org.verapdf.pdfa.PDFAValidator;
import org.verapdf.pdfa.flavours.PDFAFlavour;
import org.verapdf.pdfa.results.TestAssertion;
import org.verapdf.pdfa.results.ValidationResult;

/** Judges files as PDF/A-1b: a line for each rule that is broken, `file<TAB>clause<TAB>words`. */
public final class Archival {
  private Archival() {}

  public static void main(String[] files) throws Exception {
    VeraGreenfieldFoundryProvider.initialise();
    PDFAFlavour level = PDFAFlavour.PDFA_1_B;
    for (String file : files) {
      try (InputStream bytes = new FileInputStream(file);
          PDFAParser parser = Foundries.defaultInstance().createParser(bytes, level);
          PDFAValidator judge = Foundries.defaultInstance().createValidator(level, false)) {
        ValidationResult found = judge.validate(parser);
        for (TestAssertion one : found.getTestAssertions()) {
          System.out.println(
              file + "\t" + one.getRuleId().getClause() + "\t" + one.getMessage().replaceAll("\\s+", " "));
        }
        System.out.println(file + "\t" + (found.isCompliant() ? "kept" : "broken") + "\t");
      }
    }
  }
}
