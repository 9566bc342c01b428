import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.Deflater;
import java.util.zip.DeflaterOutputStream;
import java.util.zip.GZIPOutputStream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/** Archives of files, made with java.util.zip: Archives FOLDER FILE... */
class Archives {
    public static void main(String[] arguments) throws IOException {
        Path folder = Path.of(arguments[0]);
        for (int level = 1; level <= 9; level++) {
            var zip = new ByteArrayOutputStream();
            var gzip = new ByteArrayOutputStream();
            try (var archive = new ZipOutputStream(zip)) {
                archive.setLevel(level);
                for (int place = 1; place < arguments.length; place++) {
                    byte[] bytes = Files.readAllBytes(Path.of(arguments[place]));
                    archive.putNextEntry(new ZipEntry(arguments[place]));
                    archive.write(bytes);
                    archive.closeEntry();
                    try (var member = new Gzip(gzip, level)) {
                        for (int at = 0; at < bytes.length; at += 8192) {
                            member.write(bytes, at, Math.min(8192, bytes.length - at));
                        }
                    }
                }
            }
            Files.write(folder.resolve("zip -" + level), zip.toByteArray());
            Files.write(folder.resolve("gzip -" + level), gzip.toByteArray());
        }
        byte[] words = Files.readAllBytes(Path.of(arguments[1]));
        for (int strategy : new int[] {Deflater.FILTERED, Deflater.HUFFMAN_ONLY}) {
            var zlib = new ByteArrayOutputStream();
            var deflater = new Deflater();
            deflater.setStrategy(strategy);
            try (var member = new DeflaterOutputStream(zlib, deflater)) {
                member.write(words);
            }
            Files.write(folder.resolve("zlib strategy " + strategy), zlib.toByteArray());
        }
    }

    private static class Gzip extends GZIPOutputStream {
        Gzip(OutputStream out, int level) throws IOException {
            super(out);
            def.setLevel(level);
        }
    }
}
